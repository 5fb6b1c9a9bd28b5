/** What a script's output says about its result. */

/** A result is read by people and by the next agent; the whole output is in the transcript. */
export const RESULT_LINES_MAX = 50;
export const RESULT_MAX_BYTES = 16 * 1024;

/** A line that holds this names the result itself. */
export const RESULT_MARK = 'TASK_RESULT:';

/** More of a line is never shown, so more is not kept while a script runs. */
const LINE_MAX_CHARACTERS = RESULT_MAX_BYTES;

/** What a terminal would obey instead of showing: ECMA-48, with its 8-bit forms. */
const TERMINAL = new RegExp(
  [
    // Operating system commands, device control and other strings, up to ST or BEL, or the end of the line.
    String.raw`(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?`,
    // Control sequences: colours, movements, questions.
    String.raw`(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?`,
    // Every other escape.
    String.raw`\x1b[ -/]*[0-~]?`,
    // Control characters but tab and carriage return.
    String.raw`[\x00-\x08\x0a-\x0c\x0e-\x1f\x7f-\x9f]`,
  ].join('|'),
  'g',
);

/** The line as it would last be seen: what a carriage return went back over is gone, and so are terminal escapes and control characters. */
export function plainText(line: string): string {
  const text = line.replace(TERMINAL, '').replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

/** Takes a script's lines as they come and keeps only what the result needs. */
export class LastWords {
  readonly #last: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  #result: string | undefined;

  take(stream: 'stdout' | 'stderr', line: string): void {
    // Half a character at the cut would be shown as a fault of the script.
    const text = plainText(line)
      .slice(0, LINE_MAX_CHARACTERS)
      .replace(/[\ud800-\udbff]$/, '')
      .trimEnd();
    if (text.trim() === '') return;
    const last = this.#last[stream];
    last.push(text);
    if (last.length > RESULT_LINES_MAX) last.shift();
    const at = text.lastIndexOf(RESULT_MARK);
    if (at !== -1 && stream === 'stdout') this.#result = text.slice(at + RESULT_MARK.length).trim();
  }

  /**
   * The text behind the last `TASK_RESULT:` on standard output. Without one the last lines: of standard output, or where there are none, of
   * standard error; of a script that did not complete, of both, because what went wrong usually stands in the second.
   */
  text(completed: boolean): string {
    if (this.#result !== undefined) return beginningOf(this.#result);
    const { stdout, stderr } = this.#last;
    if (completed) return newestOf(stdout.length > 0 ? stdout : stderr);
    const errors = stderr.slice(stdout.length > 0 ? -RESULT_LINES_MAX / 2 : -RESULT_LINES_MAX);
    const room = RESULT_LINES_MAX - errors.length;
    return newestOf([...(room > 0 ? stdout.slice(-room) : []), ...errors]);
  }
}

/** The last lines that fit, joined; at least the beginning of the last one. */
function newestOf(lines: readonly string[]): string {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines.toReversed()) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > RESULT_MAX_BYTES) break;
    kept.unshift(line);
  }
  return kept.length > 0 ? kept.join('\n') : beginningOf(lines.at(-1) ?? '');
}

/** As many whole characters as fit. */
function beginningOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= RESULT_MAX_BYTES) return text;
  return bytes
    .subarray(0, RESULT_MAX_BYTES)
    .toString()
    .replace(/\ufffd$/, '');
}
