/** What the node is asked when somebody looks. */
import { useEffect, useState } from 'react';
import { api, sayError } from './api.ts';

export type Asked<T> = {
  answer: T | undefined;
  /** Why there is no answer; empty when there is one. */
  said: string;
  again: () => void;
};

/** An answer of the node; asked again when `version` changes, and the last answer stands until the next one is there. */
export function useAsked<T>(path: string, version: unknown): Asked<T> {
  const [look, setLook] = useState(0);
  const [state, setState] = useState<{ path: string; answer: T | undefined; said: string }>({
    path,
    answer: undefined,
    said: 'Asking …',
  });
  useEffect(() => {
    let isOver = false;
    api<T>('GET', path).then(
      (answer) => isOver || setState({ path, answer, said: '' }),
      (error: unknown) => isOver || setState({ path, answer: undefined, said: sayError(error) }),
    );
    return () => {
      isOver = true;
    };
  }, [path, version, look]);
  const again = (): void => setLook((held) => held + 1);
  return state.path === path ? { ...state, again } : { answer: undefined, said: 'Asking …', again };
}
