/** An action of a person: pending, then done or the refusal's words. */
import { LoaderCircle } from 'lucide-react';
import type { ReactNode } from 'react';
import { useEffect, useRef, useState } from 'react';
import { sayError } from '../model/api.ts';
import { useMayAct } from '../model/store.ts';
import { Button } from './button.tsx';

export type ActionState =
  | { kind: 'idle' }
  | { kind: 'pending' }
  | { kind: 'done'; text: string }
  | { kind: 'refused'; text: string };

/** `run` resolves with what is said when it is done. One at a time. */
export function useAction<A extends unknown[]>(
  act: (...given: A) => Promise<string>,
): { state: ActionState; run: (...given: A) => Promise<boolean>; reset: () => void } {
  const [state, setState] = useState<ActionState>({ kind: 'idle' });
  const isMounted = useRef(true);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  const put = (next: ActionState): void => {
    if (isMounted.current) setState(next);
  };
  const run = async (...given: A): Promise<boolean> => {
    if (state.kind === 'pending') return false;
    put({ kind: 'pending' });
    try {
      const text = await act(...given);
      put({ kind: 'done', text });
      return true;
    } catch (error) {
      put({ kind: 'refused', text: sayError(error) });
      return false;
    }
  };
  return { state, run, reset: () => put({ kind: 'idle' }) };
}

/** What came of it; read out by screen readers. */
export function Said({ state, className = '' }: { state: ActionState; className?: string }) {
  const text = state.kind === 'done' || state.kind === 'refused' ? state.text : '';
  const tone = state.kind === 'refused' ? 'text-red' : 'text-muted';
  return (
    <p role="status" className={`text-xs wrap-anywhere empty:hidden ${tone} ${className}`}>
      {text}
    </p>
  );
}

type ActionProps = {
  children: ReactNode;
  action: { state: ActionState; run: () => Promise<boolean> };
  look?: 'primary' | 'plain' | 'danger' | 'quiet';
  /** Asked before it is done: a second press does it. */
  confirm?: string;
  /** Stands in a line of text. */
  small?: boolean;
  /** There is nothing to do it to right now. */
  isOff?: boolean;
};

/** Disabled for a viewer, who may only look. */
export function ActionButton({ children, action, look = 'plain', confirm, small = false, isOff = false }: ActionProps) {
  const mayAct = useMayAct();
  const [isArmed, setArmed] = useState(false);
  const isPending = action.state.kind === 'pending';
  const press = (): void => {
    if (confirm !== undefined && !isArmed) {
      setArmed(true);
      return;
    }
    setArmed(false);
    void action.run();
  };
  return (
    <Button
      look={isArmed ? 'danger' : look}
      className={small ? '-my-1.5 -mr-2 min-h-7 px-2 text-xs' : ''}
      disabled={!mayAct || isPending || isOff}
      title={mayAct ? undefined : 'You are logged in as a viewer, who sees and cannot act'}
      onClick={press}
      onBlur={() => setArmed(false)}
    >
      {isPending ? <LoaderCircle aria-hidden className="size-3.5 animate-spin" /> : null}
      {isArmed ? confirm : children}
    </Button>
  );
}
