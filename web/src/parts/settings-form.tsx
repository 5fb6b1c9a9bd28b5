/** What the settings are made of: entries that can be removed, and a form that makes one. */
import type { FormEvent, ReactNode } from 'react';
import { api } from '../model/api.ts';
import { useMayAct } from '../model/store.ts';
import type { ActionState } from './action.tsx';
import { ActionButton, Said, useAction } from './action.tsx';
import { Button } from './button.tsx';
import { textOf } from './form.ts';
import { Section } from './layout.tsx';

/** One entry, and the button that removes what `path` names. */
export function Entry({ path, children }: { path: string; children: (state: ReactNode) => ReactNode }) {
  const remove = useAction(async () => {
    await api('DELETE', path);
    return 'Removed.';
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
      {children(<Said state={remove.state} />)}
      <ActionButton action={remove} look="quiet" confirm="Really remove?">
        Remove
      </ActionButton>
    </li>
  );
}

type FormProps = {
  title: string;
  /** What the button says. */
  verb: string;
  /** Gets the fields as they were typed, without space around; resolves with what is said when it is done. */
  send: (given: Readonly<Record<string, string>>) => Promise<string>;
  children: ReactNode;
};

/** Sends what was typed, and is empty again when it was taken. Nothing is shown to a viewer, who may only look. */
export function SettingsForm({ title, verb, send, children }: FormProps) {
  const mayAct = useMayAct();
  const action = useAction(send);
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const typed = [...given.keys()].map((name) => [name, textOf(given, name)]);
    if (await action.run(Object.fromEntries(typed))) form.reset();
  };
  if (!mayAct) return null;
  return (
    <Section title={title}>
      <form aria-label={title} className="card flex flex-col gap-3 p-4" onSubmit={(event) => void submit(event)}>
        {children}
        <Submit state={action.state} verb={verb} />
      </form>
    </Section>
  );
}

export const Submit = ({ state, verb }: { state: ActionState; verb: string }) => (
  <div className="flex items-center gap-3">
    <Button type="submit" disabled={state.kind === 'pending'}>
      {verb}
    </Button>
    <Said state={state} />
  </div>
);

/** What was typed; fields that were left empty are not there. */
export const typedOnly = (given: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
