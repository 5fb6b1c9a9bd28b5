/** Taking a node out of the swarm, for good. */
import { useState } from 'react';
import { api } from '../model/api.ts';
import type { SwarmNode } from '../model/frame.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Field, Section } from './layout.tsx';
import { isOut } from './status.tsx';

export function TakeOut() {
  const nodes = useSwarm((swarm) => swarm.nodes);
  const mayAct = useMayAct();
  const others = [...nodes.values()].filter(
    ({ status }) => status !== 'self' && (status === 'replaced' || !isOut(status)),
  );
  const [chosen, setChosen] = useState('');
  const node = others.find(({ id }) => id === chosen) ?? others[0];
  if (!mayAct || node === undefined) return null;
  return (
    <Section title="Take a node out">
      <div className="card flex flex-col gap-3 p-4 text-[13px]">
        <p className="text-muted">
          For good. Retire one whose machine is gone: nobody waits for it any more. Revoke one that is not to be
          trusted: nobody links with it, and what it writes from then on counts nowhere.
        </p>
        <Field label="Node">
          <select className="field sm:max-w-80" value={node.id} onChange={(event) => setChosen(event.target.value)}>
            {others.map(({ id, name, status }) => (
              <option key={id} value={id}>
                {name === '' ? id.slice(0, 8) : name} ({id.slice(0, 8)}), {status}
              </option>
            ))}
          </select>
        </Field>
        <Actions key={node.id} node={node} />
      </div>
    </Section>
  );
}

function Actions({ node }: { node: SwarmNode }) {
  const name = node.name === '' ? node.id.slice(0, 8) : node.name;
  const take = (verb: 'retire' | 'revoke') => async (): Promise<string> => {
    await api('POST', `api/swarm/nodes/${encodeURIComponent(node.id)}/${verb}`);
    return `${name} is ${verb}d.`;
  };
  const retire = useAction(take('retire'));
  const revoke = useAction(take('revoke'));
  return (
    <div className="flex flex-wrap items-center gap-2">
      <ActionButton action={retire} confirm={`Really retire ${name}, for good?`}>
        Retire
      </ActionButton>
      <ActionButton action={revoke} look="danger" confirm={`Really revoke ${name}, for good?`}>
        Revoke
      </ActionButton>
      <Said state={revoke.state.kind === 'idle' ? retire.state : revoke.state} />
    </div>
  );
}
