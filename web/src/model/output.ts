/** What the agent of a task prints, as it comes. */
import { useEffect, useState } from 'react';
import { api, sayError, taskPath } from './api.ts';
import { follow } from './stream.ts';
import { useStore } from './store.ts';

const LINES = 500;
/** What is kept of a long output; the rest is at the agent's node. */
const KEPT_MAX_CHARS = 400_000;

export type OutputState = { text: string; said: string };

/** The last lines, then whatever comes while `isLive`. */
export function useTaskOutput(id: string, isLive: boolean): OutputState {
  const [state, setState] = useState<OutputState>({ text: '', said: 'Asking …' });
  useEffect(() => {
    let isOver = false;
    api<{ output: string }>('GET', `${taskPath(id)}/output?lines=${LINES}`).then(
      ({ output }) => {
        if (!isOver) setState({ text: output, said: 'Nothing printed yet.' });
      },
      (error: unknown) => {
        if (!isOver) setState((held) => ({ ...held, said: sayError(error) }));
      },
    );
    if (!isLive) {
      return () => {
        isOver = true;
      };
    }
    let cursor = useStore.getState().swarm.cursor;
    const stop = follow(
      {
        frames: (frames) => {
          let added = '';
          for (const frame of frames) {
            if ('id' in frame && frame.id !== undefined) cursor = frame.id;
            if (frame.type !== 'task_event' || frame.event !== 'task_output') continue;
            if (frame.data !== null && 'task_id' in frame.data && frame.data.task_id === id)
              added += frame.data.output ?? '';
          }
          if (added !== '') setState((held) => ({ ...held, text: (held.text + added).slice(-KEPT_MAX_CHARS) }));
        },
        connection: () => undefined,
        stopped: () => undefined,
        heard: () => undefined,
        loggedOut: () => undefined,
        cursor: () => cursor,
      },
      { task: id },
    );
    return () => {
      isOver = true;
      stop();
    };
  }, [id, isLive]);
  return state;
}
