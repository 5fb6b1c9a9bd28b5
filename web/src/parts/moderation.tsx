/** Running a channel: who may be in it and speak, its topic and its pace. For operators, who may do so at any node. */
import { api } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import type { Channel, Member } from '../model/frame.ts';
import { useSwarm } from '../model/store.ts';
import { ActionButton, Said, useAction } from './action.tsx';
import { Field, Fold, Section } from './layout.tsx';
import { SettingsForm } from './settings-form.tsx';
import { StatusBadge } from './status.tsx';

const pathOf = (channel: string, what: string): string => `api/channels/${encodeURIComponent(channel)}/${what}`;

export function Moderation({ channel }: { channel: Channel }) {
  const version = useSwarm((swarm) => swarm.said.channelsChanged);
  const { answer: members, said } = useAsked<Member[]>(pathOf(channel.name, 'members'), version);
  return (
    <>
      <Section title="Who may do what" count={members?.length ?? 0}>
        {said === '' ? null : <p className="text-[13px] text-muted">{said}</p>}
        {members?.length === 0 ? <p className="text-[13px] text-muted">Nobody was here yet.</p> : null}
        <ul
          aria-label="Who may do what"
          className="card max-h-[40vh] divide-y divide-line overflow-y-auto empty:hidden"
        >
          {members?.map((member) => (
            <Row key={member.id} channel={channel.name} member={member} />
          ))}
        </ul>
      </Section>
      <Fold title="Ask in, topic and pace">
        <div className="flex flex-col gap-4">
          <Invite channel={channel.name} />
          <Pace key={channel.name} channel={channel} />
        </div>
      </Fold>
    </>
  );
}

const WORDS = ['operator', 'muted', 'banned', 'invited'] as const;

function Row({ channel, member }: { channel: string; member: Member }) {
  const name = useSwarm(({ agents }) => (member.agent_id === null ? undefined : agents.get(member.agent_id)?.name));
  const who = member.agent_id ?? member.id;
  const standing = WORDS.filter((word) => member[word] && !(word === 'invited' && member.joined));
  const { banned, muted } = member;
  return (
    <li className="flex flex-col gap-1 px-3 py-2 text-[13px]">
      <span className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
        <bdi className="min-w-0 truncate font-medium">{name ?? member.name}</bdi>
        {standing.map((word) => (
          <StatusBadge key={word} status={word} />
        ))}
        {member.joined || banned ? null : <span className="text-xs text-muted">not here now</span>}
      </span>
      <span className="-ml-2 flex flex-wrap items-center gap-x-2 gap-y-3 py-1.5">
        {banned ? null : <Act channel={channel} who={who} action={muted ? 'unmute' : 'mute'} />}
        {member.joined ? <Act channel={channel} who={who} action="kick" confirm="Really kick?" /> : null}
        {banned ? (
          <Act channel={channel} who={who} action="unban" />
        ) : (
          <Act channel={channel} who={who} action="ban" confirm="Really ban?" />
        )}
        {banned ? null : <Act channel={channel} who={who} action={member.operator ? 'demote' : 'promote'} />}
      </span>
    </li>
  );
}

const VERBS: Readonly<Record<string, string>> = {
  mute: 'Mute',
  unmute: 'Let speak',
  kick: 'Kick',
  ban: 'Ban',
  unban: 'Lift the ban',
  promote: 'Make operator',
  demote: 'No operator',
};

function Act({ channel, who, action, confirm }: { channel: string; who: string; action: string; confirm?: string }) {
  const act = useAction(async () => {
    await api('POST', pathOf(channel, 'moderate'), { action, member: who });
    return '';
  });
  return (
    <>
      <ActionButton action={act} look="quiet" small {...(confirm === undefined ? {} : { confirm })}>
        {VERBS[action]}
      </ActionButton>
      <Said state={act.state} />
    </>
  );
}

function Invite({ channel }: { channel: string }) {
  const agents = useSwarm((swarm) => swarm.agents);
  const send = async ({ member = '' }: Readonly<Record<string, string>>): Promise<string> => {
    await api('POST', pathOf(channel, 'invite'), { member });
    return `${member} may join.`;
  };
  return (
    <SettingsForm title="Ask somebody in" verb="Invite" send={send}>
      <Field label="Who" hint="An agent by name, or an @id of the hub">
        <input name="member" required maxLength={200} list="channel-agents" className="field" />
      </Field>
      <datalist id="channel-agents">
        {[...agents.values()].map(({ id, name }) => (
          <option key={id} value={name} />
        ))}
      </datalist>
    </SettingsForm>
  );
}

function Pace({ channel }: { channel: Channel }) {
  const send = async ({ topic = '', slow }: Readonly<Record<string, string>>): Promise<string> => {
    const path = pathOf(channel.name, 'moderate');
    if (topic !== (channel.topic ?? '')) await api('POST', path, { action: 'topic', topic });
    if (Number(slow) !== channel.slow_seconds) await api('POST', path, { action: 'slow', seconds: Number(slow) });
    return 'Set.';
  };
  return (
    <SettingsForm title="Topic and pace" verb="Set" send={send}>
      <Field label="Topic">
        <input name="topic" maxLength={300} defaultValue={channel.topic ?? ''} className="field" />
      </Field>
      <Field label="Seconds between two messages" hint="Of one member; 0 for any pace">
        <input name="slow" type="number" min={0} max={86_400} defaultValue={channel.slow_seconds} className="field" />
      </Field>
    </SettingsForm>
  );
}
