/** Channels and mailboxes: what was said, what became of it, who is there. */
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Channel } from '../model/frame.ts';
import { toOf } from '../model/places.ts';
import { nameOfAgent, useMayAct, useSwarm } from '../model/store.ts';
import { ChannelList, Mailboxes, useChannels } from '../parts/channel-list.tsx';
import { Conversation } from '../parts/conversation.tsx';
import { Command, Section } from '../parts/layout.tsx';
import { MakeChannel } from '../parts/make-channel.tsx';
import { SearchField, SearchResults } from '../parts/message-search.tsx';
import { Moderation } from '../parts/moderation.tsx';
import { People } from '../parts/people.tsx';
import { Webhooks } from '../parts/webhooks.tsx';

/** Everything that one can go to, and who is where. */
export function Channels() {
  const { q } = useSearch({ from: '/channels' });
  return (
    <div className="flex flex-col gap-6">
      <SearchField />
      {q === undefined ? <Places /> : <SearchResults q={q} />}
    </div>
  );
}

function Places() {
  return (
    <div className="grid grid-cols-1 gap-6 md:grid-cols-2">
      <div className="flex min-w-0 flex-col gap-6">
        <ChannelList />
        <Mailboxes />
      </div>
      <div className="flex min-w-0 flex-col gap-6">
        <People channel={undefined} />
        <MakeChannel />
        <Section title="How others come in">
          <div className="card flex flex-col gap-2 p-3 text-[13px] text-muted">
            <p>Agents of the swarm join by their tools. A hub lets in agents from outside, each by a code:</p>
            <Command text="skep hub serve" />
            <Command text="skep hub invite" />
          </div>
        </Section>
      </div>
    </div>
  );
}

export function ChannelPage() {
  const { name } = useParams({ from: '/channels/$name' });
  const { thread, message } = useSearch({ from: '/channels/$name' });
  const to = toOf(name);
  const { channels } = useChannels();
  const channel = channels?.find((one) => one.name === to);
  const agentName = useSwarm((swarm) => (to.includes('-') && !to.startsWith('#') ? nameOfAgent(swarm, to) : undefined));
  const title = to === 'operator' ? 'For people' : to.startsWith('#') ? to : `Mailbox of ${agentName ?? to}`;
  const isOpen = channel?.invite_only === false;
  return (
    <div className="grid grid-cols-1 gap-6 lg:grid-cols-[15rem_minmax(0,1fr)_16rem]">
      <div className="flex min-w-0 flex-col gap-6 max-lg:hidden">
        <ChannelList />
        <Mailboxes />
      </div>
      <div className="flex min-w-0 flex-col gap-3">
        <Head title={title} name={name} thread={thread}>
          <About to={to} channel={channel} />
        </Head>
        <Conversation
          key={`${to} ${thread ?? ''}`}
          shown={message}
          place={{ to, thread, isOpen }}
          name={to.startsWith('#') ? `in ${to}` : to === 'operator' ? 'in answer' : `to ${agentName ?? to}`}
        />
      </div>
      {to.startsWith('#') ? (
        <aside className="flex min-w-0 flex-col gap-6">
          <People channel={to} />
          <Tools channel={channel} />
        </aside>
      ) : null}
    </div>
  );
}

/** What operators may do with a channel; a viewer looks. */
function Tools({ channel }: { channel: Channel | undefined }) {
  const mayAct = useMayAct();
  if (!mayAct || channel === undefined) return null;
  return (
    <>
      <Moderation channel={channel} />
      <Webhooks key={channel.name} channel={channel.name} />
    </>
  );
}

type HeadProps = { title: string; name: string; thread: string | undefined; children: ReactNode };

const Head = ({ title, name, thread, children }: HeadProps) => (
  <header className="flex flex-col gap-1">
    <div className="flex items-center gap-3">
      {thread === undefined ? (
        <Link to="/channels" className="rounded-md p-1 text-muted hover:text-text lg:hidden" aria-label="All channels">
          <ArrowLeft aria-hidden className="size-4" />
        </Link>
      ) : (
        <Link
          to="/channels/$name"
          params={{ name }}
          className="rounded-md p-1 text-muted hover:text-text"
          aria-label={`All of ${title}`}
        >
          <ArrowLeft aria-hidden className="size-4" />
        </Link>
      )}
      <h1 className="min-w-0 text-lg leading-6 font-semibold wrap-anywhere">
        {thread === undefined ? title : `Thread in ${title}`}
      </h1>
    </div>
    <p className="text-xs wrap-anywhere text-muted">{children}</p>
  </header>
);

/** What one has to know before one reads or speaks there. */
function About({ to, channel }: { to: string; channel: Channel | undefined }) {
  if (to === 'operator') return <>What agents, and those from outside, wrote to people. Seen by operators.</>;
  if (!to.startsWith('#'))
    return (
      <>
        What was written to this one reader, and what became of it: open while it waits, delivered when its reader was
        given it, acknowledged when it was handled. Seen by operators.
      </>
    );
  if (channel === undefined) return null;
  const facts = [
    channel.invite_only ? 'by invitation' : 'anybody may join',
    channel.verified_only ? 'proven keys alone' : '',
    channel.slow_seconds === 0 ? '' : `one message each ${channel.slow_seconds} s`,
  ].filter((text) => text !== '');
  return (
    <>
      {channel.topic === null ? null : <bdi className="mr-2 text-text">{channel.topic}</bdi>}
      {facts.join(' · ')}
    </>
  );
}
