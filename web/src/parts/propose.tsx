/** Offering to pay for work: to somebody, or a task to whoever wins it. */
import { api } from '../model/api.ts';
import type { Deal } from '../model/market.ts';
import { useSwarm } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { Field } from './layout.tsx';
import { SettingsForm, typedOnly } from './settings-form.tsx';

/** More are offered by their id, which is typed. */
const LISTED_MAX = 100;
const HOUR_S = 3_600;

export function Propose() {
  const agents = useSwarm((swarm) => swarm.agents);
  const tasks = useSwarm((swarm) => swarm.tasks);
  const pending = [...tasks.values()].filter(({ status }) => status === 'pending').slice(0, LISTED_MAX);
  const send = async (given: Readonly<Record<string, string>>): Promise<string> => {
    const { amount, elo_stake: stake, hours, ...texts } = typedOnly(given);
    const { payer, worker } = await api<Deal>('POST', 'api/market/proposals', {
      ...texts,
      ...(amount === undefined ? {} : { amount: Number(amount) }),
      ...(stake === undefined ? {} : { elo_stake: Number(stake) }),
      ...(hours === undefined ? {} : { expires: Number(hours) * HOUR_S }),
    });
    return worker === null ? 'Offered to whoever wins the task.' : `${payer.name} offers to pay ${worker.name}.`;
  };
  return (
    <SettingsForm title="Propose a deal" verb="Propose" send={send}>
      <Field label="What is to be done">
        <textarea name="task" required rows={2} maxLength={4000} className="field resize-y" />
      </Field>
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        <Field label="To" hint="An agent by name, or an @id of the hub">
          <input name="to" maxLength={200} list="market-agents" placeholder="alice" className="field" />
        </Field>
        <Field label="Or offer a task" hint="Whoever is granted it and completes it has won">
          <input name="task_id" maxLength={200} list="market-tasks" placeholder="id of a task" className="field" />
        </Field>
        <datalist id="market-agents">
          {[...agents.values()].slice(0, LISTED_MAX).map(({ id, name }) => (
            <option key={id} value={name} />
          ))}
        </datalist>
        <datalist id="market-tasks">
          {pending.map(({ id, title }) => (
            <option key={id} value={shortId(id)} label={title} />
          ))}
        </datalist>
        <div className="grid grid-cols-2 gap-3">
          <Field label="Amount">
            <input name="amount" type="number" min={0} step="any" max={1e12} className="field" />
          </Field>
          <Field label="Currency">
            <input name="currency" maxLength={16} placeholder="USD" className="field" />
          </Field>
        </div>
        <div className="grid grid-cols-2 gap-3">
          <Field label="Expires in hours">
            <input name="hours" type="number" min={0.01} step="any" max={8760} className="field" />
          </Field>
          <Field label="Stake">
            <input name="elo_stake" type="number" min={0} max={1_000_000} className="field" />
          </Field>
        </div>
        <Field label="Skill" hint="Its rating moves, too">
          <input name="capability" maxLength={64} placeholder="rust" className="field" />
        </Field>
        <Field label="Terms">
          <input name="terms" maxLength={4000} placeholder="with tests" className="field" />
        </Field>
      </div>
    </SettingsForm>
  );
}
