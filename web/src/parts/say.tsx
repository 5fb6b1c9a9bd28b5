/** A field for words that go to somebody: Enter sends, and typed text stays through everything that happens meanwhile, also when it was refused. */
import { Send } from 'lucide-react';
import type { FormEvent, KeyboardEvent, ReactNode } from 'react';
import { useMayAct } from '../model/store.ts';
import { Said, useAction } from './action.tsx';
import { Button } from './button.tsx';

type SayProps = {
  /** What the field is for. */
  label: string;
  /** What the button says. */
  verb: string;
  /** Nobody would hear it now. */
  isOff?: boolean;
  /** Resolves with what is said when it is done. */
  send: (text: string) => Promise<string>;
  /** Stands above the field. */
  children?: ReactNode;
};

/** Off for a viewer, who may only look. */
export function Say({ label, verb, isOff = false, send, children }: SayProps) {
  const mayAct = useMayAct();
  const action = useAction(send);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const text = new FormData(form).get('text');
    if (typeof text === 'string' && text.trim() !== '' && (await action.run(text))) form.reset();
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  };
  return (
    <form className="flex flex-col gap-1" onSubmit={(event) => void submit(event)}>
      {children}
      <div className="flex items-end gap-2">
        <textarea
          name="text"
          rows={2}
          aria-label={label}
          placeholder={label}
          disabled={!mayAct || isOff}
          className="field min-w-0 grow resize-y disabled:opacity-60"
          onKeyDown={press}
        />
        <Button
          type="submit"
          disabled={!mayAct || isOff || action.state.kind === 'pending'}
          title={mayAct ? undefined : 'You are logged in as a viewer, who sees and cannot act'}
        >
          <Send aria-hidden className="size-4" /> {verb}
        </Button>
      </div>
      <Said state={action.state} />
    </form>
  );
}
