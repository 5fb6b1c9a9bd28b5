/** What is known of an agent: what it is, why it is said to stand so, what it used, how to sit at its terminal. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { agentPath } from '../model/api.ts';
import { useAsked } from '../model/asked.ts';
import type { Agent } from '../model/frame.ts';
import { nameOfNode, useMayAct, useSwarm } from '../model/store.ts';
import { shortId } from '../model/text.ts';
import { usedText } from '../model/usage.ts';
import type { UsageSum } from '../model/usage.ts';
import { ContextBar } from './context-bar.tsx';
import { Command, Facts, Section } from './layout.tsx';
import { StatusBadge, statusWord } from './status.tsx';
import { Age, Since } from './time.tsx';

export function AgentFacts({ agent }: { agent: Agent }) {
  const node = useSwarm((swarm) => nameOfNode(swarm, agent.node_id));
  const status = useSwarm((swarm) => swarm.nodes.get(agent.node_id)?.status ?? 'dead');
  const task = useSwarm((swarm) =>
    agent.current_task_id === null ? undefined : swarm.tasks.get(agent.current_task_id),
  );
  return (
    <div className="card h-fit p-4">
      <Facts
        facts={[
          ['Id', <span className="font-mono text-xs">{shortId(agent.id)}</span>],
          ['Tool', agent.tool],
          ['Driven', drivenText(agent)],
          ['Paused', agent.paused ? 'takes nothing until it is resumed' : null],
          [
            'Node',
            <span className="flex items-center gap-2">
              {node} <StatusBadge status={status} />
            </span>,
          ],
          [
            'At work on',
            agent.current_task_id === null ? null : (
              <Link to="/tasks/$id" params={{ id: agent.current_task_id }} className="underline">
                {task?.title ?? shortId(agent.current_task_id)}
              </Link>
            ),
          ],
          ['Can', agent.capabilities.join(', ')],
          ['Folder', agent.project_path],
          ['Session', agent.tmux_session_id],
          ['Conversation', conversationOf(agent)],
          ['Home', homeOf(agent)],
          ['Budget a day', agent.budget_usd_day === null ? null : `$${agent.budget_usd_day} (UTC)`],
          ['Account', agent.account],
          ['Box', agent.box ?? 'unboxed: it has the rights of its node'],
          ['Registered', <Age at={agent.registered_at} />],
        ]}
      />
    </div>
  );
}

/** Only protocols tell of it, and not all of them. */
function conversationOf({ tool, tmux_session_id: session, context, current_task_id: task }: Agent): ReactNode {
  if (context !== null) return <ContextBar context={context} />;
  if (tool === 'shell' && session === null) return null;
  return task === null ? null : 'how full it is, is not told by this tool';
}

function homeOf({ tool, tmux_session_id: session, home }: Agent): string | null {
  if (home === 'own') return 'own: a configuration directory apart from that of its user';
  return tool === 'shell' && session === null ? null : 'the configuration of its user';
}

function drivenText({ tool, tmux_session_id: session }: Agent): string {
  if (session !== null) return 'typed to, in a terminal';
  return tool === 'shell' ? 'runs scripts' : 'by the protocol of its tool';
}

type Explained = {
  state: string;
  source: string;
  exact: boolean;
  rule: string;
  evidence: { zone: string; text: string }[];
  since: string | null;
};

/** Asked again whenever its state changes. */
export function AgentExplained({ agent }: { agent: Agent }) {
  const version = `${agent.status} ${agent.current_task_id ?? ''}`;
  const { answer, said } = useAsked<Explained>(`${agentPath(agent.id)}/explain`, version);
  return (
    <Section title="Why it is said to be so">
      <div className="card min-h-24 p-4">
        {answer === undefined ? (
          <p className="text-[13px] text-muted">{said}</p>
        ) : (
          <Facts
            facts={[
              ['State', statusWord(answer.state)],
              ['Known', `${answer.exact ? 'exactly' : 'inferred'}, from its ${answer.source}`],
              ['Since', answer.since === null ? null : <Since at={answer.since} />],
              ['Rule', answer.rule],
              ...answer.evidence.map(
                ({ zone, text }) =>
                  [zone, <span className="font-mono text-xs whitespace-pre-wrap">{text.trim()}</span>] as const,
              ),
            ]}
          />
        )}
      </div>
    </Section>
  );
}

/** What it used since it was registered; asked again when it begins or ends something. */
export function AgentUsage({ agent }: { agent: Agent }) {
  const version = `${agent.status} ${agent.current_task_id ?? ''}`;
  const path = `api/usage?by=model&agent=${encodeURIComponent(agent.id)}`;
  const { answer } = useAsked<{ total: UsageSum; groups: { name: string; sum: UsageSum }[] }>(path, version);
  if (answer === undefined || answer.groups.length === 0) return null;
  return (
    <Section title="Used">
      <div className="card p-4">
        <Facts
          facts={[
            ...answer.groups.map(({ name, sum }) => [name, usedText(sum)] as const),
            ['In all', answer.groups.length < 2 ? null : usedText(answer.total)],
          ]}
        />
      </div>
    </Section>
  );
}

type Attach = { node_name: string; command: string[]; host: string; user: string; ssh: string | null };

/** The command to copy: here where the agent is, else through ssh where its node says how. */
export function AgentAttach({ agent }: { agent: Agent }) {
  const mayAct = useMayAct();
  return mayAct ? <Attached agent={agent} /> : null;
}

function Attached({ agent }: { agent: Agent }) {
  const { answer, said } = useAsked<Attach>(`${agentPath(agent.id)}/attach`, agent.status);
  return (
    <Section title="Sit at its terminal">
      <div className="flex min-h-16 flex-col gap-2">
        <Command text={`skep agent attach ${agent.name}`} />
        {answer === undefined ? (
          <p className="text-xs text-muted">{said}</p>
        ) : (
          <>
            <p className="text-xs wrap-anywhere text-muted">
              or, as {answer.user} on {answer.host}
              {answer.ssh === null ? '' : `, by ssh ${answer.ssh}`}:
            </p>
            <Command text={answer.command.map(shellWord).join(' ')} />
          </>
        )}
      </div>
    </Section>
  );
}

const PLAIN = /^[\w@%+:,./-]+$/;
const shellWord = (word: string): string => (PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);
