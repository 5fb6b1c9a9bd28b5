/** The terminal of an agent on any node: what it shows, as it changes, and what is typed into it. */
import { useEffect, useState } from 'react';
import { agentPath, api, sayError } from './api.ts';
import type { Screen } from './frame.ts';
import { useStore } from './store.ts';
import { follow } from './stream.ts';

export type ScreenState = { screen: Screen | undefined; said: string };

/** What it shows now, then every change, while the page is looked at this part of. */
export function useScreen(id: string): ScreenState {
  const [state, setState] = useState<ScreenState>({ screen: undefined, said: 'Looking …' });
  useEffect(() => {
    let isOver = false;
    let shown = 0;
    const look = (): void => {
      const before = shown;
      api<Screen>('GET', `${agentPath(id)}/screen`).then(
        // A change that came meanwhile is newer.
        (screen) => isOver || before !== shown || setState({ screen, said: '' }),
        (error: unknown) => isOver || setState(({ screen }) => ({ screen, said: sayError(error) })),
      );
    };
    let cursor = useStore.getState().swarm.cursor;
    const stop = follow(
      {
        frames: (frames) => {
          for (const frame of frames) if ('id' in frame && frame.id !== undefined) cursor = frame.id;
          const last = frames.findLast((frame) => frame.type === 'agent_screen' && frame.data.agent_id === id);
          if (last?.type !== 'agent_screen') return;
          shown += 1;
          setState({ screen: last.data, said: '' });
        },
        connection: (connection) => {
          // Only from here on are changes told.
          if (connection === 'live') look();
          else setState(({ screen }) => ({ screen, said: 'Reconnecting …' }));
        },
        stopped: () => undefined,
        heard: () => undefined,
        loggedOut: () => undefined,
        cursor: () => cursor,
      },
      { agent: id },
    );
    return () => {
      isOver = true;
      stop();
    };
  }, [id]);
  return state;
}

/** What waits to be typed; more is not taken: the node is away, and nobody knows what the keys would do later. */
const WAITING_MAX_CHARS = 2_048;
/** As many as one request takes. */
const KEYS_MAX_CHARS = 2_048;

/** Types keys in their order: one request at a time, and what is pressed meanwhile goes together with the next. */
export class Typist {
  readonly #path: string;
  readonly #said: (text: string) => void;
  #waiting: ({ keys: string } | { paste: string })[] = [];
  #isTyping = false;

  /** `said`: why something was not typed; empty when all goes well again. */
  constructor(agent: string, said: (text: string) => void) {
    this.#path = `${agentPath(agent)}/type`;
    this.#said = said;
  }

  keys(keys: string): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && 'keys' in last && last.keys.length + keys.length <= KEYS_MAX_CHARS) last.keys += keys;
    else this.#waiting.push({ keys: keys.slice(0, KEYS_MAX_CHARS) });
    const held = this.#waiting.reduce((sum, one) => sum + ('keys' in one ? one.keys.length : 0), 0);
    if (held > WAITING_MAX_CHARS) this.#drop('Nothing more is typed: what was typed before has not arrived.');
    else void this.#go();
  }

  paste(paste: string): void {
    this.#waiting.push({ paste });
    void this.#go();
  }

  #drop(why: string): void {
    this.#waiting = [];
    this.#said(why);
  }

  async #go(): Promise<void> {
    if (this.#isTyping) return;
    this.#isTyping = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      try {
        const { typed } = await api<{ typed: boolean }>('POST', this.#path, next);
        this.#said(typed ? '' : 'Not typed: its program has ended.');
      } catch (error) {
        // What comes behind it was meant for what it would have done.
        this.#drop(sayError(error));
      }
    }
    this.#isTyping = false;
  }
}
