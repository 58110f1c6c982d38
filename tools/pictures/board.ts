// The Grafana board as a page: each panel of config/grafana/stockade.json at its place, drawn from
// what a Prometheus answers to the panel's own questions. It is no Grafana, and the page says so.
import { get } from 'node:http';

/** A panel, as far as it is drawn. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

/** Where numbers come from, and of which time. */
export interface Source {
  readonly port: number;
  /** Seconds since 1970. */
  readonly from: number;
  readonly to: number;
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly (readonly [number, string])[];
  readonly value?: readonly [number, string];
}

interface Line {
  readonly label: string;
  readonly points: readonly (readonly [number, number])[];
}

const cellWidth = 54;
const cellHeight = 24;
const colors = ['#73bf69', '#f2cc0c', '#8ab8ff', '#ff780a', '#f2495c', '#5794f2', '#b877d9'];
const stepSeconds = 2;
/** A legend longer than this hides what it explains. */
const legendMax = 6;

const asked = (port: number, path: string): Promise<readonly Series[]> =>
  new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () => {
        const { data, error } = JSON.parse(text) as {
          readonly data?: { readonly result: readonly Series[] };
          readonly error?: string;
        };
        if (data === undefined) reject(new Error(`${path}: ${error}`));
        else resolve(data.result);
      });
    }).on('error', reject);
  });

/** Rates over minutes, as the board asks for them, have nothing to show after two: shorter ones. */
const shortened = (expression: string): string => expression.replaceAll(/\[\d+m\]/g, '[20s]');

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

const labelOf = (format: string, metric: Series['metric']): string =>
  format.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => metric[name] ?? '');

const scaled = (value: number, steps: readonly (readonly [number, string])[]): string => {
  const [factor, suffix] = steps.find(([from]) => Math.abs(value) >= from) ?? [1, ''];
  const rounded = value / factor;
  return `${Number(rounded.toFixed(Math.abs(rounded) < 10 ? 2 : 1))}${suffix}`;
};

const gib = 1024 ** 3;
const bytesSteps = [[gib, ' GiB'] as const, [1024 ** 2, ' MiB'] as const, [1024, ' KiB'] as const];
const secondsSteps = [
  [86_400, ' d'] as const,
  [1, ' s'] as const,
  [0.001, ' ms'] as const,
  [0.000_001, ' µs'] as const,
];

/** A number in the unit of its panel. */
export const numberText = (value: number, unit: string): string => {
  if (!Number.isFinite(value)) return '-';
  if (unit === 'bytes') return scaled(value, bytesSteps);
  if (unit === 's') return value === 0 ? '0' : scaled(value, secondsSteps);
  if (unit === 'percentunit') return `${Number((value * 100).toFixed(1))} %`;
  if (unit === 'dateTimeAsIso') return new Date(value).toISOString().slice(0, 19);
  return scaled(value, [[1_000_000, ' M'] as const, [10_000, ' K'] as const].map(thousands));
};

const thousands = ([from, suffix]: readonly [number, string]): readonly [number, string] =>
  from === 10_000 ? [1000, suffix] : [from, suffix];

const linesOf = async (panel: Panel, source: Source): Promise<readonly Line[]> => {
  const found = await Promise.all(
    (panel.targets ?? []).map(async ({ expr, legendFormat }) => {
      const query = encodeURIComponent(shortened(expr));
      const range = `start=${source.from}&end=${source.to}&step=${stepSeconds}`;
      const series = await asked(source.port, `/api/v1/query_range?query=${query}&${range}`);
      return series.map(({ metric, values = [] }) => ({
        label: labelOf(legendFormat, metric),
        points: values
          .map(([at, value]) => [at, Number(value)] as const)
          .filter(([, value]) => Number.isFinite(value)),
      }));
    }),
  );
  return found.flat().filter(({ points }) => points.length > 0);
};

const drawing = (lines: readonly Line[], panel: Panel, { from, to }: Source): string => {
  const unit = panel.fieldConfig?.defaults.unit ?? 'short';
  const width = panel.gridPos.w * cellWidth - 20;
  const shown = lines.slice(0, legendMax);
  const height = panel.gridPos.h * cellHeight - 52 - 13 * Math.ceil(shown.length / 3);
  const top = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 0) || 1;
  const paths = lines.map(({ points }, at) => {
    const path = points
      .map(([time, value], index) => {
        const x = 48 + ((time - from) / (to - from)) * (width - 50);
        const before = points[index - 1];
        // A node that was away leaves a gap.
        const begins = before === undefined || time - before[0] > 3 * stepSeconds;
        return `${begins ? 'M' : 'L'}${x.toFixed(1)} ${(height - 4 - (value / top) * (height - 12)).toFixed(1)}`;
      })
      .join('');
    return `<path d="${path}" stroke="${colors[at % colors.length]}" fill="none" stroke-width="1.3"/>`;
  });
  const legend = shown.map(
    ({ label }, at) =>
      `<span style="color:${colors[at % colors.length]}">${escaped(label === '' ? panel.title : label)}</span>`,
  );
  const more = lines.length > legendMax ? `<span>and ${lines.length - legendMax} more</span>` : '';
  return (
    `<svg width="${width}" height="${height}"><line x1="48" x2="${width}" y1="${height - 4}" y2="${height - 4}" stroke="#444"/>` +
    `<text x="2" y="14">${numberText(top, unit)}</text><text x="2" y="${height - 4}">0</text>${paths.join('')}</svg>` +
    `<div class="legend">${legend.join(' ')} ${more}</div>`
  );
};

const table = async (panel: Panel, source: Source): Promise<string> => {
  const [target] = panel.targets ?? [];
  const query = encodeURIComponent(target?.expr ?? '');
  const series = await asked(source.port, `/api/v1/query?query=${query}&time=${source.to}`);
  const unit = panel.fieldConfig?.defaults.unit ?? 'short';
  const rows = series.map(({ metric, value }) => {
    const { instance = '', version } = metric;
    const text = version ?? numberText(Number(value?.[1]), unit);
    return `<tr><td>${escaped(instance)}</td><td>${escaped(text)}</td></tr>`;
  });
  return `<table>${rows.join('')}</table>`;
};

const bodyOf = async (panel: Panel, source: Source): Promise<string> => {
  if (panel.type === 'table') return table(panel, source);
  const lines = await linesOf(panel, source);
  if (panel.type === 'stat') {
    const last = lines[0]?.points.at(-1)?.[1] ?? Number.NaN;
    return `<div class="stat">${numberText(last, panel.fieldConfig?.defaults.unit ?? 'short')}</div>`;
  }
  return lines.length === 0 ? '<div class="none">nothing</div>' : drawing(lines, panel, source);
};

const style = `body{margin:0;background:#111217;color:#ccccdc;font:12px sans-serif;position:relative}
.panel{position:absolute;background:#181b1f;border:1px solid #2c3235;box-sizing:border-box;padding:6px;overflow:hidden}
.row{position:absolute;font-size:15px;font-weight:bold;padding:4px 2px}.title{font-weight:bold;margin-bottom:4px}
.stat{font-size:30px;color:#73bf69;text-align:center;margin-top:8px}.none{color:#777;text-align:center}
.legend{font-size:10px;white-space:normal}.legend span{margin-right:8px}svg text{fill:#999;font-size:10px}td{padding:2px 14px 2px 0}
.label{position:absolute;left:4px;color:#999}`;

/** The whole page, and how large it is. */
export const boardPage = async (
  panels: readonly Panel[],
  source: Source,
  label: string,
): Promise<{ readonly html: string; readonly width: number; readonly height: number }> => {
  const parts: string[] = [];
  for (const panel of panels) {
    const { x, y, w, h } = panel.gridPos;
    const place = `left:${x * cellWidth}px;top:${y * cellHeight}px`;
    const size = `width:${w * cellWidth - 6}px;height:${h * cellHeight - 6}px`;
    const title = escaped(panel.title);
    if (panel.type === 'row') parts.push(`<div class="row" style="${place}">${title}</div>`);
    else {
      const body = await bodyOf(panel, source);
      parts.push(
        `<div class="panel" style="${place};${size}"><div class="title">${title}</div>${body}</div>`,
      );
    }
  }
  const rows = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  const top = rows * cellHeight;
  parts.push(`<div class="label" style="top:${top}px">${escaped(label)}</div>`);
  const html = `<!doctype html><meta charset="utf-8"><style>${style}</style>${parts.join('\n')}`;
  return { html, width: 24 * cellWidth, height: top + 24 };
};
