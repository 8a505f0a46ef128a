import {
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** One query of a panel. */
export interface PanelQuery {
  readonly expr: string;
  readonly legend: string;
  /** Shows the traces that Prometheus kept beside the values. */
  readonly exemplars?: true;
}

/** A question that a panel answers. */
export interface BoardPanel {
  readonly title: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  readonly queries: readonly PanelQuery[];
  /** A page of the console to go on to. */
  readonly console?: string;
}

/** A dashboard as data: rows of panels. */
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly BoardPanel[] }[];
}

/** What every query of a process is narrowed by. */
export const inEnvironment = 'environment=~"$environment"';
/** The same, for what is told by endpoint and provider. */
export const atEndpoint = `${inEnvironment},endpoint=~"$endpoint",provider=~"$provider"`;

const source = { type: 'prometheus', uid: '$datasource' };

/** Renders a board as Grafana provisions it. */
export function renderBoard(board: Board): Dashboard {
  const builder = new DashboardBuilder(board.title)
    .uid(board.uid)
    .tags(['penstock'])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .readonly()
    .link(
      new DashboardLinkBuilder('Penstock')
        .type(DashboardLinkType.Dashboards)
        .tags(['penstock'])
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(variable('environment', 'label_values(penstock_build_info, environment)'))
    .withVariable(
      variable(
        'endpoint',
        'label_values(http_server_request_duration_seconds_count{environment=~"$environment"}, endpoint)',
      ),
    )
    .withVariable(
      variable(
        'provider',
        'label_values(http_server_request_duration_seconds_count{environment=~"$environment"}, provider)',
      ),
    )
    .withVariable(new TextBoxVariableBuilder('console').label('Console').defaultValue('http://localhost:8081'));
  let id = 0;
  for (const row of board.rows) {
    builder.withRow(new RowBuilder(row.title).id((id += 1)));
    for (const panel of row.panels) builder.withPanel(renderPanel(panel).id((id += 1)));
  }
  return builder.build();
}

function variable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(`${name[0]?.toUpperCase()}${name.slice(1)}`)
    .datasource(source)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*');
}

function renderPanel(panel: BoardPanel): PanelBuilder {
  const builder = new PanelBuilder()
    .title(panel.title)
    .datasource(source)
    .unit(panel.unit)
    .min(0)
    .height(8)
    .span(12)
    .fillOpacity(8);
  for (const [index, { expr, legend, exemplars }] of panel.queries.entries())
    builder.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCodePoint(65 + index))
        .datasource(source)
        .expr(expr)
        .legendFormat(legend)
        .exemplar(exemplars === true),
    );
  if (panel.console !== undefined)
    builder.links([
      new DashboardLinkBuilder('Open in the console')
        .type(DashboardLinkType.Link)
        .url(`\${console}${panel.console}`)
        .targetBlank(true),
    ]);
  return builder;
}
