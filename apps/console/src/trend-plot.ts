import type { DeadReport } from '@penstock/db/dead-report';
import { html } from 'hono/html';
import type { Html } from './pages.ts';

const [WIDTH, HEIGHT, GAP] = [700, 120, 3];

/** Deaths over time as bars. Attributes alone and no styles of its own: the page's policy allows none. */
export function trendPlot({ trend, from, to, deaths }: Pick<DeadReport, 'trend' | 'from' | 'to' | 'deaths'>): Html {
  const most = Math.max(1, ...trend.map((part) => part.deaths));
  const step = WIDTH / Math.max(1, trend.length);
  return html`
    <figure>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT + 20}" role="img" aria-label="${deaths} deaths from ${day(from)} to ${day(to)}, at most ${most} in one bar" class="plot">
        ${trend.map((part, position) => {
          const height = (part.deaths / most) * HEIGHT;
          return html`<rect x="${position * step}" y="${HEIGHT - height}" width="${step - GAP}" height="${height}"><title>${minute(part.from)}: ${part.deaths}</title></rect>`;
        })}
        <line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}" />
        <text x="0" y="${HEIGHT + 16}">${day(from)}</text>
        <text x="${WIDTH}" y="${HEIGHT + 16}" text-anchor="end">${day(to)}</text>
        <text x="0" y="12">${most}</text>
      </svg>
      <figcaption>Deaths over time, those healed since included.</figcaption>
    </figure>`;
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function minute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
