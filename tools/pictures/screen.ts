// What a terminal shows after a program wrote to it: as much of a terminal as the shell and
// `--watch` make use of.

const escapeSign = String.fromCharCode(27);
/** Control sequences, and single characters. */
const pieces = new RegExp(`${escapeSign}\\[[\\d;?]*[A-Za-z]|${escapeSign}.|[\\s\\S]`, 'g');

/** A screen without an end at the bottom. */
export class Screen {
  readonly #lines: string[] = [''];
  #row = 0;
  #column = 0;

  /** Writes what a program wrote. */
  write(text: string): void {
    for (const [part] of text.matchAll(pieces)) {
      if (part.length > 1) this.#control(part);
      else if (part === '\n') this.#moveTo(this.#row + 1, 0);
      else if (part === '\r') this.#column = 0;
      else if (part === '\b') this.#column = Math.max(0, this.#column - 1);
      else if (part >= ' ') this.#put(part);
    }
  }

  /** The lines, without spaces at their ends. */
  get text(): string {
    return this.#lines.map((line) => line.trimEnd()).join('\n');
  }

  #put(character: string): void {
    const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + character + line.slice(this.#column + 1);
    this.#column += 1;
  }

  #moveTo(row: number, column: number): void {
    this.#row = Math.max(0, row);
    while (this.#lines.length <= this.#row) this.#lines.push('');
    this.#column = Math.max(0, column);
  }

  /** Colours and modes change nothing here. */
  #control(part: string): void {
    const [first = 0, second = 0] = part.slice(2, -1).split(';').map(Number);
    const many = first || 1;
    const kind = part.at(-1) ?? '';
    if (kind === 'A') this.#moveTo(this.#row - many, this.#column);
    if (kind === 'B') this.#moveTo(this.#row + many, this.#column);
    if (kind === 'C') this.#moveTo(this.#row, this.#column + many);
    if (kind === 'D') this.#moveTo(this.#row, this.#column - many);
    if (kind === 'G') this.#moveTo(this.#row, many - 1);
    if (kind === 'H') this.#moveTo(many - 1, (second || 1) - 1);
    if (kind === 'J' && first >= 2) this.#lines.splice(0, this.#lines.length, '');
    else if (kind === 'J') this.#lines.splice(this.#row + 1);
    if (kind === 'J' || kind === 'K') {
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column);
    }
  }
}

const lineHeight = 19;
const characterWidth = 8.45;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** A page with what a screen shows, and how large it is. */
export const screenPage = (
  text: string,
): { readonly html: string; readonly width: number; readonly height: number } => {
  const lines = text.trimEnd().split('\n');
  const columns = Math.max(60, ...lines.map((line) => line.length));
  const style = `body{margin:0;background:#181b1f;color:#d8d9da}pre{margin:14px;font:14px/${lineHeight}px 'DejaVu Sans Mono',monospace}`;
  return {
    html: `<!doctype html><meta charset="utf-8"><style>${style}</style><pre>${escaped(lines.join('\n'))}</pre>`,
    width: Math.ceil(columns * characterWidth) + 28,
    height: lines.length * lineHeight + 28,
  };
};
