/** The transcript of one attempt, written as its agent goes on. A turn that is told again after a restart takes the place of what was told of it. */
import { stripVTControlCharacters } from 'node:util';
import { masked } from '#core/approval/mask.ts';
import type { EntryOf, KeptText, Entry } from '#core/schema/transcript.ts';
import type { AgentEvent, PermissionAnswer, ToolText, Usage } from '#agent-ports.ts';
import { turnNameMs } from '#driver/line/turn-name.ts';
import type { AttemptName, TranscriptFile } from '#store/transcripts.ts';

type Stream = EntryOf<'text'>['stream'];
type Place = Pick<Entry, 'n' | 'change' | 'at'>;
type Of<K extends AgentEvent['kind']> = Extract<AgentEvent, { kind: K }>;

/** A text that goes on is cut here, at the end of a line where there is one: each change of the open entry is sent whole. */
const TEXT_MAX_CHARS = 4_096;
/** Of a prompt, and of words of a person. */
const PROMPT_MAX_CHARS = 16_384;
const DETAIL_MAX_CHARS = 8_192;
const TITLE_MAX_CHARS = 500;
const NOTE_MAX_CHARS = 4_000;
/** Calls and questions that are open at once; of one beyond it, only the end is told. */
const OPEN_MAX = 1_000;

const STREAMS = { stdout: 'said', stderr: 'error', thought: 'thought' } as const;
/** Not told again with a turn: they keep their places. */
const OF_PEOPLE: ReadonlySet<string> = new Set(['permission', 'person']);

export class AttemptTranscript {
  readonly #file: TranscriptFile;
  readonly #of: AttemptName;
  readonly #nowMs: () => number;
  #n: number;
  #change: number;
  #text: { entry: EntryOf<'text'>; isWritten: boolean } | undefined;
  readonly #tools = new Map<string, EntryOf<'tool'>>();
  readonly #asked = new Map<string, EntryOf<'permission'>>();
  #turn: { name: string; startedMs: number } | undefined;
  #usage: EntryOf<'end'>['usage'] = null;
  /** What this node is about to ask. */
  #prompt: string | undefined;
  /** Places of what was told of this turn before. */
  #places: number[] = [];
  /** Where its agent works, once that is known. */
  folder = '';

  constructor(o: { file: TranscriptFile; of: AttemptName; nowMs: () => number }) {
    this.#file = o.file;
    this.#of = o.of;
    this.#nowMs = o.nowMs;
    const { last, change } = o.file.read(o.of, { limit: 1 });
    this.#n = last;
    this.#change = change;
  }

  /** Of the newest change; what is still open counts. */
  get change(): number {
    return this.#change;
  }

  /** The next turn is asked for with this text. */
  prompts(text: string): void {
    this.#prompt = text;
  }

  person(text: string): void {
    this.#write({ ...this.#place(), kind: 'person', text: kept(text, PROMPT_MAX_CHARS) });
  }

  answered(request: string, { behavior, message }: PermissionAnswer): void {
    this.#decide(request, behavior === 'allow' ? 'allowed' : 'denied', message);
  }

  /** True when there is something new to see. */
  on(event: AgentEvent): boolean {
    const before = this.#change;
    switch (event.kind) {
      case 'turn_started':
        this.#begin(event);
        break;
      case 'delta':
        this.#stream(STREAMS[event.stream], event.text);
        break;
      case 'tool':
        this.#call(event);
        break;
      case 'permission':
        this.#ask(event);
        break;
      case 'permission_closed':
        this.#decide(event.request, 'closed', '');
        break;
      case 'usage':
        this.#usage = sum(this.#usage, event.usage);
        break;
      case 'context':
        this.#file.setContext(this.#of, { tokens: event.tokens, max: event.max });
        break;
      case 'session':
        this.#file.setConversation(this.#of, { id: event.session, folder: this.folder });
        break;
      case 'turn_ended':
        this.#end(event);
        break;
      default:
    }
    return this.#change !== before;
  }

  /** What is open is on file as far as it came: whoever reads finds it. */
  flush(): void {
    const text = this.#text;
    if (text === undefined || text.isWritten) return;
    this.#file.write(this.#of, text.entry);
    text.isWritten = true;
  }

  #begin({ turn }: Of<'turn_started'>): void {
    this.#closeText();
    this.#tools.clear();
    this.#asked.clear();
    this.#places = [];
    this.#usage = null;
    this.#turn = { name: turn, startedMs: turnNameMs(turn) ?? this.#nowMs() };
    const prompt = this.#prompt;
    this.#prompt = undefined;
    const held = this.#file.lastTurn(this.#of);
    if (held?.turn !== turn) {
      const asked = prompt === undefined ? null : kept(prompt, PROMPT_MAX_CHARS);
      this.#write({ ...this.#place(), kind: 'turn', turn, prompt: asked });
      return;
    }
    for (const { n, kind, entry } of held.after) {
      if (!OF_PEOPLE.has(kind)) this.#places.push(n);
      if (entry?.kind === 'permission') this.#asked.set(entry.request, entry);
    }
  }

  #stream(stream: Stream, piece: string): void {
    if (this.#text?.entry.stream !== stream) this.#closeText();
    let rest = cleaned(piece);
    if (this.#text === undefined && rest.trim() === '') return;
    while (rest !== '') {
      const entry = this.#text?.entry ?? { ...this.#place(), kind: 'text', stream, text: '' };
      const text = entry.text + rest;
      const end = text.length <= TEXT_MAX_CHARS ? text.length : cutAt(text);
      rest = text.slice(end);
      this.#text = { entry: { ...entry, ...this.#again(entry), text: text.slice(0, end) }, isWritten: false };
      if (rest !== '') this.#closeText();
    }
  }

  #closeText(): void {
    this.flush();
    this.#text = undefined;
  }

  #call({ id, name, title, state, input, output }: Of<'tool'>): void {
    const held = this.#tools.get(id);
    const isOver = state !== 'running';
    const entry: EntryOf<'tool'> = {
      ...(held === undefined ? this.#place() : this.#again(held)),
      kind: 'tool',
      id,
      name,
      title: cleaned(masked(title)).slice(0, TITLE_MAX_CHARS),
      state,
      input: shown(input) ?? held?.input ?? null,
      output: shown(output) ?? held?.output ?? null,
      ended_at: isOver ? this.#now() : null,
    };
    this.#write(entry);
    if (isOver) this.#tools.delete(id);
    else if (this.#tools.size < OPEN_MAX) this.#tools.set(id, entry);
  }

  #ask({ request: asked }: Of<'permission'>): void {
    const { request, kind: about, tool, title, detail } = asked;
    if (this.#asked.has(request) || this.#asked.size >= OPEN_MAX) return;
    const entry: EntryOf<'permission'> = {
      ...this.#place(),
      kind: 'permission',
      request,
      about,
      tool,
      title: cleaned(masked(title)).slice(0, TITLE_MAX_CHARS),
      detail: kept(masked(detail), DETAIL_MAX_CHARS),
      state: 'open',
      note: '',
    };
    this.#asked.set(request, entry);
    this.#write(entry);
  }

  #decide(request: string, state: EntryOf<'permission'>['state'], note: string): void {
    const held = this.#asked.get(request);
    if (held?.state !== 'open') return;
    const entry = { ...held, ...this.#again(held), state, note: kept(note, NOTE_MAX_CHARS).text };
    this.#asked.set(request, entry);
    this.#write(entry);
  }

  #end({ turn, outcome, text }: Of<'turn_ended'>): void {
    this.#closeText();
    for (const request of this.#asked.keys()) this.#decide(request, 'closed', '');
    const ms = this.#turn?.name === turn ? Math.max(this.#nowMs() - this.#turn.startedMs, 0) : null;
    const why = outcome === 'completed' || text.trim() === '' ? null : kept(masked(text), DETAIL_MAX_CHARS);
    this.#write({ ...this.#place(), kind: 'end', turn, outcome, text: why, ms, usage: this.#usage });
    this.#usage = null;
    // It was told in fewer entries than before.
    for (const n of this.#places) this.#file.remove(this.#of, n);
    this.#places = [];
  }

  #write(entry: Entry): void {
    this.#file.write(this.#of, entry);
  }

  /** Of a new entry; what was being said is over. */
  #place(): Place {
    this.#closeText();
    this.#change += 1;
    const again = this.#places.shift();
    if (again === undefined) this.#n += 1;
    return { n: again ?? this.#n, change: this.#change, at: this.#now() };
  }

  /** Of an entry that changed. */
  #again({ n, at }: Place): Place {
    this.#change += 1;
    return { n, at, change: this.#change };
  }

  #now(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}

/** At the end of a line, else at the bound, and never in the middle of a character. */
function cutAt(text: string): number {
  const line = text.lastIndexOf('\n', TEXT_MAX_CHARS - 1);
  if (line > TEXT_MAX_CHARS / 2) return line + 1;
  return /[\ud800-\udbff]/.test(text.charAt(TEXT_MAX_CHARS - 1)) ? TEXT_MAX_CHARS - 1 : TEXT_MAX_CHARS;
}

/** Without escape sequences and control characters: it is shown elsewhere. */
const cleaned = (text: string): string => stripVTControlCharacters(text).replace(CONTROL, '');
const CONTROL = /[^\P{Cc}\t\n]/gu;

const kept = (text: string, chars: number): KeptText => ({
  text: cleaned(text.slice(0, chars)).replace(/[\ud800-\udbff]$/, ''),
  chars: text.length,
});

const shown = (text: ToolText | undefined): KeptText | undefined =>
  text === undefined ? undefined : { ...text, text: cleaned(text.text) };

function sum(held: EntryOf<'end'>['usage'], { inputTokens, cachedTokens, outputTokens, costUsd }: Usage) {
  return {
    input_tokens: (held?.input_tokens ?? 0) + inputTokens,
    cached_tokens: (held?.cached_tokens ?? 0) + cachedTokens,
    output_tokens: (held?.output_tokens ?? 0) + outputTokens,
    cost_usd: costUsd === null || held?.cost_usd === null ? null : (held?.cost_usd ?? 0) + costUsd,
  };
}
