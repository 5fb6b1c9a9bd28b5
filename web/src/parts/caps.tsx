/** How much may run at once, in the whole swarm. */
import { Gauge } from 'lucide-react';
import type { FormEvent } from 'react';
import { useEffect, useState } from 'react';
import { api, sayError } from '../model/api.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Button } from './button.tsx';
import { textOf } from './form.ts';
import { Empty, Field, Section } from './layout.tsx';

/** As the node answers it; see `GET /api/caps`. */
type Cap = { kind: 'node' | 'tool' | 'account'; name: string; max: number; running: number; set_by: string };

export function Caps() {
  // Asked again whenever one was set or removed, anywhere; how many run is as of then.
  const version = useSwarm((swarm) => swarm.settingsChanged);
  const [caps, setCaps] = useState<Cap[]>();
  const [said, setSaid] = useState('Asking …');
  useEffect(() => {
    let isOver = false;
    api<Cap[]>('GET', 'api/caps').then(
      (answer) => {
        if (isOver) return;
        setCaps(answer);
        setSaid('');
      },
      (error: unknown) => isOver || setSaid(sayError(error)),
    );
    return () => {
      isOver = true;
    };
  }, [version]);
  return (
    <div className="flex flex-col gap-6">
      <Section title="Caps of the swarm" count={caps?.length ?? 0}>
        {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
        {caps?.length === 0 ? (
          <Empty icon={<Gauge />} title="No caps">
            <p>
              As many attempts run at once as there are agents. A task’s own limits, of time and of cost, stand in its
              form.
            </p>
          </Empty>
        ) : (
          <ul aria-label="Caps" className="card divide-y divide-line empty:hidden">
            {caps?.map((cap) => (
              <Row key={`${cap.kind} ${cap.name}`} cap={cap} />
            ))}
          </ul>
        )}
      </Section>
      <SetCap />
    </div>
  );
}

function Row({ cap }: { cap: Cap }) {
  const { kind, name, max, running, set_by: by } = cap;
  const remove = useAction(async () => {
    await api('DELETE', `api/caps/${kind}/${encodeURIComponent(name)}`);
    return 'Removed.';
  });
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
      <span className="min-w-0 grow basis-48 wrap-anywhere">
        <span className="text-muted">{kind}</span> <span className="font-medium">{name}</span>
        <span className="block text-xs text-muted">
          at most {max} at once, {running} ran when this was asked · by {by}
        </span>
        <Said state={remove.state} />
      </span>
      <ActionButton action={remove} look="quiet" confirm="Really remove?">
        Remove
      </ActionButton>
    </li>
  );
}

function SetCap() {
  const mayAct = useMayAct();
  const action = useAction(async (body: Record<string, unknown>) => {
    const { kind, name, max } = await api<Cap>('POST', 'api/caps', body);
    return `${kind} ${name}: at most ${max} at once. What runs goes on.`;
  });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const max = Number(textOf(given, 'max'));
    if (await action.run({ kind: textOf(given, 'kind'), name: textOf(given, 'name'), max })) form.reset();
  };
  if (!mayAct) return null;
  return (
    <Section title="Set a cap">
      <form aria-label="Set a cap" className="card flex flex-col gap-3 p-4" onSubmit={(event) => void submit(event)}>
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-3">
          <Field label="Of a">
            <select name="kind" className="field">
              <option>node</option>
              <option>tool</option>
              <option>account</option>
            </select>
          </Field>
          <Field label="Name" hint="Of a node also the beginning of its id">
            <input name="name" required maxLength={64} placeholder="claude" className="field" />
          </Field>
          <Field label="At once" hint="0: none begins">
            <input name="max" type="number" required min={0} max={100_000} className="field" />
          </Field>
        </div>
        <div className="flex items-center gap-3">
          <Button type="submit" disabled={action.state.kind === 'pending'}>
            Set
          </Button>
          <Said state={action.state} />
        </div>
      </form>
    </Section>
  );
}
