/** How much may run at once, in the whole swarm. */
import { Gauge } from 'lucide-react';
import { api } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { useSwarm } from '../model/store.ts';
import { Empty, Field, Section } from './layout.tsx';
import { Entry, SettingsForm } from './settings-form.tsx';

/** As the node answers it; see `GET /api/caps`. */
type Cap = { kind: 'node' | 'tool' | 'account'; name: string; max: number; running: number; set_by: string };

export function Caps() {
  // Asked again whenever one was set or removed, anywhere; how many run is as of then.
  const version = useSwarm((swarm) => swarm.settingsChanged);
  const { answer: caps, said } = useAsked<Cap[]>('api/caps', version);
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

function Row({ cap: { kind, name, max, running, set_by: by } }: { cap: Cap }) {
  return (
    <Entry path={`api/caps/${kind}/${encodeURIComponent(name)}`}>
      {(said) => (
        <span className="min-w-0 grow basis-48 wrap-anywhere">
          <span className="text-muted">{kind}</span> <span className="font-medium">{name}</span>
          <span className="block text-xs text-muted">
            at most {max} at once, {running} ran when this was asked · by {by}
          </span>
          {said}
        </span>
      )}
    </Entry>
  );
}

function SetCap() {
  const send = async ({ max, ...given }: Readonly<Record<string, string>>): Promise<string> => {
    const cap = await api<Cap>('POST', 'api/caps', { ...given, max: Number(max) });
    return `${cap.kind} ${cap.name}: at most ${cap.max} at once. What runs goes on.`;
  };
  return (
    <SettingsForm title="Set a cap" verb="Set" send={send}>
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
    </SettingsForm>
  );
}
