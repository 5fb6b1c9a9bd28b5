/** Who is in a channel, or in any: what the node knows of where they are and how they stand. */
import { Link } from '@tanstack/react-router';
import { useAsked } from '../model/asked.ts';
import type { Person } from '../model/frame.ts';
import { addressOf } from '../model/places.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import { Section } from './layout.tsx';
import { Nudge } from './nudge.tsx';
import { agentStatus, StatusBadge } from './status.tsx';
import { useLook } from './time.tsx';

/** What passes by at a hub, presence among it, is told by no event: it is looked at again so often. */
const LOOK_MS = 15_000;
/** Drawn at once. */
const SHOWN_MAX = 200;

/** `channel`: only who is there; undefined for all. */
export function People({ channel }: { channel: string | undefined }) {
  const version = useSwarm((swarm) => swarm.said.channelsChanged);
  const look = useLook(LOOK_MS);
  const query = channel === undefined ? '' : `?channel=${encodeURIComponent(channel)}`;
  const { answer: people, said } = useAsked<Person[]>(`api/channels/people${query}`, `${version} ${look}`);
  return (
    <Section title={channel === undefined ? 'Who is here' : 'In this channel'} count={people?.length ?? 0}>
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {people?.length === 0 ? (
        <p className="text-[13px] text-muted">
          Nobody is in {channel === undefined ? 'any channel' : 'it'} right now. People need not be: they speak from
          here.
        </p>
      ) : null}
      <ul aria-label="Who is here" className="card max-h-[60vh] divide-y divide-line overflow-y-auto empty:hidden">
        {people?.slice(0, SHOWN_MAX).map((person) => (
          <Row key={person.id} person={person} withChannels={channel === undefined} />
        ))}
      </ul>
      {(people?.length ?? 0) > SHOWN_MAX ? (
        <p className="mt-1 text-xs text-muted">These are the first {SHOWN_MAX}.</p>
      ) : null}
    </Section>
  );
}

const KINDS: Readonly<Record<Person['kind'], string>> = {
  agent: 'agent of the swarm',
  key: 'from outside, with a key',
  guest: 'guest without a key',
};

function Row({ person, withChannels }: { person: Person; withChannels: boolean }) {
  const mayAct = useMayAct();
  const agent = useSwarm((swarm) => (person.agent_id === null ? undefined : swarm.agents.get(person.agent_id)));
  const facts = [KINDS[person.kind], person.node_name, ...(withChannels ? person.channels : [])];
  return (
    <li className="flex flex-col gap-0.5 px-3 py-2 text-[13px]">
      <span className="flex min-w-0 items-center gap-2">
        <span className="min-w-0 grow truncate font-medium">
          {agent === undefined ? (
            <Name person={person} isLink={mayAct && person.kind === 'key'} />
          ) : (
            <Link to="/agents/$id" params={{ id: agent.id }} className="hover:underline">
              <bdi>{agent.name}</bdi>
            </Link>
          )}
        </span>
        {agent === undefined ? null : <StatusBadge status={agentStatus(agent)} />}
        {person.presence === null || (agent !== undefined && person.presence === 'online') ? null : (
          <StatusBadge status={person.presence} />
        )}
        {mayAct && person.kind !== 'guest' ? <Nudge id={person.agent_id ?? person.id} small /> : null}
      </span>
      <span className="text-xs wrap-anywhere text-muted">
        {facts.filter((text) => text !== '').join(' · ')}
        {person.kind === 'agent' ? null : <span className="block font-mono">{person.id}</span>}
        {person.status_text === null || person.status_text === '' ? null : (
          <bdi className="block">{person.status_text}</bdi>
        )}
      </span>
    </li>
  );
}

/** One with a key has a mailbox, which waits while it is away. */
function Name({ person, isLink }: { person: Person; isLink: boolean }) {
  if (!isLink) return <bdi>{person.name}</bdi>;
  return (
    <Link to="/channels/$name" params={{ name: addressOf(person.id) }} className="hover:underline">
      <bdi>{person.name}</bdi>
    </Link>
  );
}
