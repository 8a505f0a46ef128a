import { chromium, type Browser, type Page } from 'playwright-core';
import { findProgram } from '@penstock/local/find-program';

/** As Debian, others and Google call it. */
const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Starts the Chromium on PATH. Throws where there is none. */
export async function startChromium(): Promise<Browser> {
  const executablePath = findProgram(names);
  if (executablePath === null) throw new Error(`none of ${names.join(', ')} is on PATH`);
  // Its own sandbox needs namespaces, which containers and root have not; it opens nothing but our own pages.
  const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
  return chromium.launch({ executablePath, args: [...flags, '--disable-sync', '--no-first-run'] });
}

/** What went wrong in a page since it is watched: faults of scripts, what its policy refused, what was not there or asked of others. */
export function watchFaults(page: Page, origin: string): readonly string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) faults.push(`asked of ${url.origin}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  return faults;
}
