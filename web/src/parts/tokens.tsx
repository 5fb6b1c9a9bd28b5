/** Who may come in, and as what. */
import type { FormEvent } from 'react';
import { useState } from 'react';
import { api } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { useStore } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { textOf } from './form.ts';
import { Command, Empty, Field, Section } from './layout.tsx';
import { Submit } from './settings-form.tsx';
import { Age } from './time.tsx';

type Token = { name: string; role: string; created_at: string | null };

export function Tokens() {
  const me = useStore((held) => held.me);
  const { answer: tokens, said, again: changed } = useAsked<Token[]>('api/tokens', me?.role);
  if (me?.role === 'viewer') return <Empty title="Tokens are shown to operators only." />;
  return (
    <div className="flex flex-col gap-6">
      <Section title="Tokens of this node" count={tokens?.length ?? 0}>
        {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
        <ul className="card divide-y divide-line empty:hidden">
          {tokens?.map((token) => (
            <Row key={token.name} token={token} onRemoved={changed} />
          ))}
        </ul>
      </Section>
      <CreateToken onCreated={changed} />
      <LoginLink />
    </div>
  );
}

function Row({ token, onRemoved }: { token: Token; onRemoved: () => void }) {
  const remove = useAction(async () => {
    await api('DELETE', `api/tokens/${encodeURIComponent(token.name)}`);
    onRemoved();
    return 'Taken back.';
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
      <span className="min-w-0 truncate font-medium">{token.name}</span>
      <span className="text-muted">{token.role}</span>
      <span className="grow text-xs text-muted">
        {token.created_at === null ? 'made with the node' : <Age at={token.created_at} />}
      </span>
      <Said state={remove.state} />
      {token.created_at === null ? null : (
        <ActionButton action={remove} look="quiet" confirm="Really take back?">
          Take back
        </ActionButton>
      )}
    </li>
  );
}

function CreateToken({ onCreated }: { onCreated: () => void }) {
  const [made, setMade] = useState<string>();
  const action = useAction(async (body: { name: string; role: string }) => {
    const { token } = await api<{ token: string }>('POST', 'api/tokens', body);
    setMade(token);
    onCreated();
    return 'It is shown this once: put it where it belongs.';
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    setMade(undefined);
    if (await action.run({ name: textOf(given, 'name'), role: textOf(given, 'role') })) form.reset();
  };
  return (
    <Section title="Make a token">
      <form className="card flex flex-col gap-3 p-4" onSubmit={(event) => void submit(event)}>
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          <Field label="For whom or what">
            <input name="name" required maxLength={64} className="field" />
          </Field>
          <Role />
        </div>
        <Submit state={action.state} verb="Make" />
        {made === undefined ? null : <Command text={made} />}
      </form>
    </Section>
  );
}

const Role = () => (
  <Field label="Role" hint="A viewer sees everything and changes nothing">
    <select name="role" className="field">
      <option>operator</option>
      <option>viewer</option>
    </select>
  </Field>
);

function LoginLink() {
  const [url, setUrl] = useState<string>();
  const make = (role: string) => async (): Promise<string> => {
    const answer = await api<{ url: string | null; path: string }>('POST', 'api/login-codes', { role });
    setUrl(answer.url ?? new URL(answer.path.slice(1), document.baseURI).href);
    return 'Works once, within ten minutes.';
  };
  const operator = useAction(make('operator'));
  const viewer = useAction(make('viewer'));
  return (
    <Section title="Log another browser in">
      <div className="card flex flex-col gap-3 p-4">
        <div className="flex flex-wrap items-center gap-2">
          <ActionButton action={operator}>Link for an operator</ActionButton>
          <ActionButton action={viewer}>Link for a viewer</ActionButton>
          <Said state={viewer.state.kind === 'idle' ? operator.state : viewer.state} />
        </div>
        {url === undefined ? null : <Command text={url} />}
      </div>
    </Section>
  );
}
