/** What the node is asked when somebody looks. */
import { useEffect, useState } from 'react';
import { api, sayError } from './api.ts';

/** An answer of the node; asked again when `version` changes, and the last answer stands until the next one is there. */
export function useAsked<T>(path: string, version: number | string): { answer: T | undefined; said: string } {
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
  }, [path, version]);
  return state.path === path ? state : { answer: undefined, said: 'Asking …' };
}
