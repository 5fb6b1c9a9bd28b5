/** What a node says over `/ws` (docs/websocket.md), as the page reads it. Shapes are the node's own. */
import type { AgentJson } from '../../../src/door/json/agent.ts';
import type { ApprovalJson, RuleJson } from '../../../src/door/json/approval.ts';
import type { ChannelJson, PersonJson } from '../../../src/door/json/channel.ts';
import type { FoundJson, FoundPageJson } from '../../../src/door/json/found.ts';
import type { MemberJson } from '../../../src/door/json/member.ts';
import type { MessageJson } from '../../../src/door/json/message.ts';
import type { NodeJson, ProjectJson } from '../../../src/door/json/node.ts';
import type { OpJson } from '../../../src/door/json/op.ts';
import type { ReaderJson } from '../../../src/door/json/reader.ts';
import type { StatusJson } from '../../../src/door/json/status.ts';
import type { TaskJson } from '../../../src/door/json/task.ts';
import type { WebhookJson } from '../../../src/door/json/webhook.ts';

export type Task = TaskJson;
export type Agent = AgentJson;
export type Approval = ApprovalJson;
export type Rule = RuleJson;
export type SwarmNode = NodeJson;
export type Project = ProjectJson;
export type Status = StatusJson;
export type Op = OpJson;
export type Message = MessageJson;
export type Found = FoundJson;
export type FoundPage = FoundPageJson;
export type Channel = ChannelJson;
export type Person = PersonJson;
export type Member = MemberJson;
export type Reader = ReaderJson;
export type Webhook = WebhookJson;
/** What the terminal of an agent shows. */
export type Screen = { text: string; columns: number; rows: number; cursor: readonly [number, number] | null };

/** `id`: place in the log of this node, where the frame is of the log. */
type Told = { id?: string; event: string; entity: string; by?: string };

export type Frame =
  | {
      type: 'snapshot';
      /** Missing where `tasks` frames follow, whose last one has it. */
      id?: string;
      node: Status;
      tasks: Task[];
      agents: Agent[];
      nodes: SwarmNode[];
      projects: Project[];
      approvals: Approval[];
    }
  | { type: 'tasks'; id?: string; tasks: Task[] }
  | { type: 'presence'; nodes: SwarmNode[]; agents: Agent[] }
  | { type: 'status'; status: { tasks: number; agents: number; peers: number } }
  | { type: 'task_event'; event: 'task_progress'; data: { task_id: string; agent_id: string; output: string | null } }
  | { type: 'task_event'; event: 'task_output'; data: { task_id: string; output?: string; transcript?: number } }
  | ({ type: 'task_event'; data: Task | null; agent?: Agent | null } & Told)
  | { type: 'agent_screen'; data: { agent_id: string } & Screen }
  | ({ type: 'agent_event'; data: Agent | null } & Told)
  | ({ type: 'project_event'; data: Project | null } & Told)
  | ({ type: 'node_event'; data: SwarmNode } & Told)
  | ({ type: 'approval_event'; data: Approval | null } & Told)
  | ({ type: 'rule_event'; data: Rule | null } & Told)
  /** The message where it was said in a channel that anybody may join; of all others nothing. */
  | ({ type: 'message_event'; data: Message | null } & Told)
  | { type: 'new_post'; id: string; post: { content: string } | null }
  | ({ type: 'op_event' } & Told);
