/** Boxes of the node that serves this page with what can be done to them, and agents in boxes elsewhere. */
import { Link } from '@tanstack/react-router';
import { Box } from 'lucide-react';
import type { BoxJson } from '../../../src/door/json/box.ts';
import { api } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import { nameOfNode, useSwarm } from '../model/store.ts';
import { sizeText } from '../model/text.ts';
import { ActionButton, Said, useAction } from '../parts/action.tsx';
import { Command, Empty, Section } from '../parts/layout.tsx';
import { agentStatus, StatusBadge } from '../parts/status.tsx';

export function Boxes() {
  const agents = useSwarm((swarm) => swarm.agents);
  const self = useSwarm((swarm) => swarm.node?.node_id);
  const elsewhere = [...agents.values()].filter(({ box, node_id: node }) => box !== null && node !== self);
  // Asked again when an agent was registered, withdrawn or changed.
  const { answer: boxes, said, again } = useAsked<BoxJson[]>('api/boxes', agents);
  return (
    <Section title="Boxes" count={(boxes?.length ?? 0) + elsewhere.length}>
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {boxes?.length === 0 && elsewhere.length === 0 ? <NoBoxes /> : null}
      <ul aria-label="Boxes" className="card divide-y divide-line empty:hidden">
        {boxes?.map((box) => (
          <Own key={box.name} box={box} onChanged={again} />
        ))}
        {elsewhere.map((agent) => (
          <li key={agent.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
            <Link to="/agents/$id" params={{ id: agent.id }} className="font-medium hover:underline">
              {agent.name}
            </Link>
            <Where node={agent.node_id} box={agent.box} />
            <StatusBadge status={agentStatus(agent)} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Where({ node, box }: { node: string; box: string | null }) {
  const name = useSwarm((swarm) => nameOfNode(swarm, node));
  return (
    <span className="grow text-xs text-muted">
      {box} on {name}
    </span>
  );
}

const NoBoxes = () => (
  <Empty icon={<Box />} title="No boxes yet">
    <p>A box is what an agent may touch and no more: its own home, the folders that are given to it, so much memory.</p>
    <Command text="skep hive spawn NAME --tool claude" />
    <p>
      What an agent may do without asking is said by{' '}
      <Link to="/settings" search={{ tab: 'rules' }} className="text-accent underline">
        rules
      </Link>
      .
    </p>
  </Empty>
);

function Own({ box, onChanged }: { box: BoxJson; onChanged: () => void }) {
  const path = `api/boxes/${encodeURIComponent(box.name)}`;
  const act = (verb: 'kill' | 'rebuild') => async (): Promise<string> => {
    await api('POST', `${path}/${verb}`, {});
    onChanged();
    return verb === 'kill' ? 'It takes nothing until it is rebuilt.' : 'Rebuilt.';
  };
  const kill = useAction(act('kill'));
  const rebuild = useAction(act('rebuild'));
  const destroy = useAction(async () => {
    await api('DELETE', path);
    onChanged();
    return 'Destroyed; its home stays.';
  });
  const latest = [kill, rebuild, destroy].find(({ state }) => state.kind !== 'idle') ?? kill;
  const { memory_bytes: memory = null, cpus = null, processes = null } = box.limits ?? {};
  const limits = [
    memory === null ? '' : `${sizeText(memory)} of memory`,
    cpus === null ? '' : `${cpus} processors`,
    processes === null ? '' : `${processes} processes`,
  ].filter((text) => text !== '');
  const facts = [box.runtime, box.tool, ...limits].filter((text) => text !== null);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 text-[13px]">
      <span className="min-w-0 grow basis-64">
        <span className="flex items-center gap-2">
          {box.agent_id === null ? (
            <span className="font-medium">{box.name}</span>
          ) : (
            <Link to="/agents/$id" params={{ id: box.agent_id }} className="font-medium hover:underline">
              {box.name}
            </Link>
          )}
          <StatusBadge status={box.state} />
        </span>
        <span className="block text-xs wrap-anywhere text-muted">{facts.join(' · ')}</span>
        {box.why === null ? null : (
          <span className="block text-xs wrap-anywhere text-red">
            {box.why}
            {box.way_out === null ? '' : `; ${box.way_out}`}
          </span>
        )}
        <Said state={latest.state} />
      </span>
      {box.state === 'destroyed' ? null : (
        <>
          <ActionButton action={rebuild}>Rebuild</ActionButton>
          <ActionButton action={kill} confirm="Really end what it is at?">
            Kill
          </ActionButton>
          <ActionButton action={destroy} look="quiet" confirm="Really destroy? Its home stays.">
            Destroy
          </ActionButton>
        </>
      )}
    </li>
  );
}
