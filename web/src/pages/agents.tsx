/** Agents of the whole swarm, by node or by tool. */
import { Bot, Plus } from 'lucide-react';
import type { FormEvent } from 'react';
import { useState } from 'react';
import { api } from '../model/api.ts';
import type { Agent } from '../model/frame.ts';
import { nameOfNode, useMayAct, useSwarm } from '../model/store.ts';
import { Said, useAction } from '../parts/action.tsx';
import { AgentCard } from '../parts/agent-card.tsx';
import { Button } from '../parts/button.tsx';
import { Window } from '../parts/dialog.tsx';
import { listOf, textOf } from '../parts/form.ts';
import { Choice, Command, Empty, Field, Section } from '../parts/layout.tsx';
import { StatusBadge } from '../parts/status.tsx';

const BY = [
  { value: 'node', text: 'By node' },
  { value: 'tool', text: 'By tool' },
  { value: 'status', text: 'By state' },
] as const;
type By = (typeof BY)[number]['value'];

export function Agents() {
  const swarm = useSwarm((all) => all);
  const [by, setBy] = useState<By>('node');
  const [isAdding, setAdding] = useState(false);
  const mayAct = useMayAct();
  const groups = Map.groupBy(swarm.agents.values(), (agent) =>
    by === 'node' ? agent.node_id : by === 'tool' ? agent.tool : agent.status,
  );
  const shown = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-wrap items-center gap-2">
        <Choice label="Grouped" options={BY} value={by} onChange={setBy} />
        <span className="grow" />
        <Button disabled={!mayAct} onClick={() => setAdding(true)}>
          <Plus aria-hidden className="size-4" /> Add an agent
        </Button>
      </div>
      {swarm.node !== undefined && swarm.agents.size === 0 ? <NoAgents /> : null}
      {shown.map(([key, agents]) => (
        <Section
          key={key}
          title={by === 'node' ? nameOfNode(swarm, key) : key}
          count={agents.length}
          side={by === 'node' ? <StatusBadge status={swarm.nodes.get(key)?.status ?? 'dead'} /> : null}
        >
          <Cards agents={agents} withNode={by !== 'node'} />
        </Section>
      ))}
      <Window title="Add an agent to this node" isOpen={isAdding} onClose={() => setAdding(false)}>
        <AddAgent onAdded={() => setAdding(false)} />
      </Window>
    </div>
  );
}

const NoAgents = () => (
  <Empty icon={<Bot />} title="No agents registered">
    <p>An agent takes tasks that fit it. One that runs scripts:</p>
    <Command text="skep agent add sh-1 --tool shell" />
  </Empty>
);

const Cards = ({ agents, withNode }: { agents: readonly Agent[]; withNode: boolean }) => (
  <div className="grid grid-cols-1 gap-2 sm:grid-cols-2 xl:grid-cols-3">
    {agents.map((agent) => (
      <AgentCard key={agent.id} agent={agent} withNode={withNode} />
    ))}
  </div>
);

function AddAgent({ onAdded }: { onAdded: () => void }) {
  const tools = useSwarm((swarm) => swarm.node?.tools ?? []);
  const action = useAction(async (body: Record<string, unknown>) => {
    await api('POST', 'api/swarm/agents', body);
    onAdded();
    return 'Registered.';
  });
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => textOf(form, name);
    void action.run({
      name: text('name'),
      tool: text('tool'),
      capabilities: listOf(form, 'capabilities'),
      project_path: text('project_path') === '' ? undefined : text('project_path'),
    });
  };
  return (
    <form className="flex flex-col gap-3" onSubmit={submit}>
      <Field label="Name">
        <input name="name" required maxLength={64} placeholder="sh-1" className="field" />
      </Field>
      <Field label="Tool" hint="What this node can drive">
        <select name="tool" className="field">
          {tools.map((tool) => (
            <option key={tool}>{tool}</option>
          ))}
        </select>
      </Field>
      <Field label="Capabilities" hint="Separated by commas; tasks ask for them">
        <input name="capabilities" placeholder="php, testing" className="field" />
      </Field>
      <Field label="Folder" hint="Where it works, if the tool works in one; on this node's machine">
        <input name="project_path" placeholder="/home/you/project" className="field" />
      </Field>
      <div className="flex items-center gap-3">
        <Button look="primary" type="submit" disabled={action.state.kind === 'pending'}>
          Add
        </Button>
        <Said state={action.state} />
      </div>
    </form>
  );
}
