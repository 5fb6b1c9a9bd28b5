/** Channels with what is new in them, and mailboxes of one reader each. */
import { Link } from '@tanstack/react-router';
import { Hash, Inbox, Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { useState } from 'react';
import { useAsked } from '../model/asked.ts';
import type { Channel, Message } from '../model/frame.ts';
import { addressOf } from '../model/places.ts';
import { useMayAct, useSwarm } from '../model/store.ts';
import { useRead } from '../model/unread.ts';
import { Section } from './layout.tsx';
import { Age } from './time.tsx';

/** As many as the node gives at once. */
const LIST_MAX = 1_000;
/** So many are seen at a glance; above, one types. */
const GLANCE_MAX = 12;

const ROW =
  'flex min-h-9 items-center gap-2 px-3 py-1.5 text-[13px] text-muted hover:bg-sunken hover:text-text aria-[current=page]:bg-grey-ground aria-[current=page]:font-medium aria-[current=page]:text-text [&>svg]:size-3.5 [&>svg]:shrink-0';

/** Undefined until the node answered. */
export function useChannels(): { channels: readonly Channel[] | undefined; said: string } {
  // Asked again whenever a channel was made or changed; what is said there meanwhile is heard.
  const version = useSwarm((swarm) => swarm.said.channelsChanged);
  const { answer, said } = useAsked<Channel[]>(`api/channels?limit=${LIST_MAX}`, version);
  return { channels: answer, said };
}

export function ChannelList() {
  const { channels, said } = useChannels();
  const heard = useSwarm((swarm) => swarm.said.messages);
  const last = lastOf(channels ?? [], heard);
  const [text, setText] = useState('');
  const shown = channels?.filter(({ name }) => name.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <Section title="Channels" count={channels?.length ?? 0}>
      {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
      {(channels?.length ?? 0) > GLANCE_MAX ? (
        <input
          type="search"
          aria-label="Find a channel"
          placeholder="Find a channel"
          value={text}
          className="field mb-2"
          onChange={(event) => setText(event.target.value)}
        />
      ) : null}
      <ul aria-label="Channels" className="card max-h-[60vh] divide-y divide-line overflow-y-auto empty:hidden">
        {shown?.map((channel) => (
          <Row key={channel.name} channel={channel} last={last.get(channel.name)} />
        ))}
      </ul>
      {channels?.length === LIST_MAX ? (
        <p className="mt-1 text-xs text-muted">These are the first {LIST_MAX.toLocaleString('en')}.</p>
      ) : null}
    </Section>
  );
}

type Last = { id: string; sent_at: string };

/** What was said last in each, as the node told it or as it was heard since. */
function lastOf(channels: readonly Channel[], heard: ReadonlyMap<string, Message>): ReadonlyMap<string, Last> {
  const last = new Map<string, Last>(channels.flatMap((one) => (one.last === null ? [] : [[one.name, one.last]])));
  for (const message of heard.values()) last.set(message.to, message);
  return last;
}

function Row({ channel, last }: { channel: Channel; last: Last | undefined }) {
  const read = useRead();
  const isNew = last !== undefined && read.get(channel.name) !== last.id;
  return (
    <li>
      <Link to="/channels/$name" params={{ name: addressOf(channel.name) }} className={ROW}>
        {channel.invite_only ? <Lock aria-label="By invitation" /> : <Hash aria-hidden />}
        <span className={`min-w-0 grow truncate ${isNew ? 'font-semibold text-text' : ''}`}>
          {channel.name.slice(1)}
          {channel.topic === null ? null : <bdi className="ml-2 text-xs font-normal text-muted">{channel.topic}</bdi>}
        </span>
        {isNew ? <New /> : null}
        {last === undefined ? null : (
          <span className="shrink-0 text-xs text-muted">
            <Age at={last.sent_at} />
          </span>
        )}
      </Link>
    </li>
  );
}

const New = () => (
  <span className="shrink-0 rounded-full bg-blue-ground px-1.5 text-[11px] leading-4 font-medium text-blue">new</span>
);

/** What is written to one reader is for that reader, and for operators. */
export function Mailboxes() {
  const mayAct = useMayAct();
  const agents = useSwarm((swarm) => swarm.agents);
  if (!mayAct) return null;
  return (
    <Section title="Mailboxes" count={agents.size + 1}>
      <ul aria-label="Mailboxes" className="card max-h-[40vh] divide-y divide-line overflow-y-auto">
        <Mailbox name="@operator">For people</Mailbox>
        {[...agents.values()].map(({ id, name }) => (
          <Mailbox key={id} name={addressOf(id)}>
            <bdi>{name}</bdi>
          </Mailbox>
        ))}
      </ul>
    </Section>
  );
}

const Mailbox = ({ name, children }: { name: string; children: ReactNode }) => (
  <li>
    <Link to="/channels/$name" params={{ name }} className={ROW}>
      <Inbox aria-hidden />
      <span className="min-w-0 truncate">{children}</span>
    </Link>
  </li>
);
