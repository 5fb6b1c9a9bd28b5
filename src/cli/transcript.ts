/** What an agent did, entry by entry, as lines of a terminal. */
import { z } from 'zod';
import { cut, duration, printable, printableLine } from './text.ts';

const keptText = z.object({ text: z.string(), chars: z.number() }).nullable();

/** What is read of an entry, of whatever kind; a newer node may tell of other kinds. */
const entrySchema = z.object({
  kind: z.string(),
  /** Of a person, of a prompt's end, or what the agent said. */
  text: z.union([z.string(), keptText]).optional(),
  prompt: keptText.optional(),
  stream: z.string().optional(),
  title: z.string().optional(),
  state: z.string().optional(),
  output: keptText.optional(),
  detail: keptText.optional(),
  note: z.string().optional(),
  outcome: z.string().optional(),
  ms: z.number().nullish(),
  usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }).nullish(),
});
type Entry = z.output<typeof entrySchema>;

export const transcriptSchema = z.object({
  attempt: z.number(),
  conversation: z.object({ id: z.string(), folder: z.string() }).nullish(),
  entries: z.array(entrySchema),
  more: z.boolean(),
});

/** Of what a call answered; `--json` has what is kept of it. */
const OUTPUT_LINES_MAX = 10;
const LINE_MAX_COLUMNS = 160;

/** Each with the end of its line. */
export const transcriptText = (entries: readonly Entry[]): string => entries.flatMap(linesOf).join('');

function linesOf(entry: Entry): string[] {
  const { kind, state = '', title = '', note = '' } = entry;
  const said = typeof entry.text === 'string' ? entry.text : (entry.text?.text ?? '');
  switch (kind) {
    case 'turn':
      return ['', `> ${oneLine(entry.prompt?.text ?? '(asked elsewhere)')}`].map(ended);
    case 'person':
      return [ended(`> a person: ${oneLine(said)}`)];
    case 'text':
      return [entry.stream === 'said' ? whole(said) : indented(said, entry.stream === 'thought' ? '~ ' : '! ')];
    case 'tool':
      return [ended(`* ${oneLine(title)}${state === 'completed' ? '' : ` (${state})`}`), ...answered(entry)];
    case 'permission':
      return [ended(`? ${oneLine(title)}: ${state}${note === '' ? '' : ` (${oneLine(note)})`}`)];
    case 'end':
      return [ended(`= ${[entry.outcome, ...usedIn(entry)].join(', ')}${said === '' ? '' : `: ${oneLine(said)}`}`)];
    default:
      return [];
  }
}

function usedIn({ ms, usage }: Entry): string[] {
  const took = ms === null || ms === undefined ? [] : [duration(ms)];
  if (usage === null || usage === undefined) return took;
  return [...took, `${usage.input_tokens} tokens in, ${usage.output_tokens} out`];
}

function answered({ output }: Entry): string[] {
  const lines = printable(output?.text ?? '')
    .trimEnd()
    .split('\n');
  if (lines.length === 1 && lines[0] === '') return [];
  const left = lines.length - OUTPUT_LINES_MAX;
  const shown = lines.slice(0, OUTPUT_LINES_MAX).map((line) => `    ${cut(line, LINE_MAX_COLUMNS)}`);
  return [...shown, ...(left > 0 ? [`    … ${left} more lines`] : [])].map(ended);
}

const ended = (line: string): string => `${line}\n`;
const oneLine = (text: string): string => cut(printableLine(text), LINE_MAX_COLUMNS);
const whole = (text: string): string => ended(printable(text).trimEnd());
const indented = (text: string, mark: string): string =>
  printable(text)
    .trimEnd()
    .split('\n')
    .map((line) => ended(`${mark}${line}`))
    .join('');
