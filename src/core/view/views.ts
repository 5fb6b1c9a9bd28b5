/** All views by name, and the read side that decisions and doors share. */
import type { AgentRow } from './agent.ts';
import { agentView } from './agent.ts';
import type { ApprovalRow } from './approval.ts';
import { approvalView } from './approval.ts';
import type { CapRow } from './cap.ts';
import { capView } from './cap.ts';
import type { ChannelRow } from './channel.ts';
import { channelView } from './channel.ts';
import type { CursorRow } from './cursor.ts';
import { cursorView } from './cursor.ts';
import type { FileRow } from './file.ts';
import { fileView } from './file.ts';
import type { IdentityRow } from './identity.ts';
import { identityView } from './identity.ts';
import type { InviteRow } from './invite.ts';
import { inviteView } from './invite.ts';
import type { MemberRow } from './member.ts';
import { memberView } from './member.ts';
import type { MergeRow } from './merge.ts';
import { mergeView } from './merge.ts';
import type { MessageRow } from './message.ts';
import { messageView } from './message.ts';
import type { NodeRow } from './node.ts';
import { nodeView } from './node.ts';
import type { PostRow } from './post.ts';
import { postView } from './post.ts';
import type { ProjectRow } from './project.ts';
import { projectView } from './project.ts';
import type { ProposalRow } from './proposal.ts';
import { proposalView } from './proposal.ts';
import type { RuleRow } from './rule.ts';
import { ruleView } from './rule.ts';
import type { SkillRow } from './skill.ts';
import { skillView } from './skill.ts';
import type { TaskRow } from './task.ts';
import { taskView } from './task.ts';
import type { UsageRow } from './usage.ts';
import { usageView } from './usage.ts';
import type { Query, ViewSpec } from './view.ts';

export type RowOf = {
  node: NodeRow;
  agent: AgentRow;
  project: ProjectRow;
  task: TaskRow;
  post: PostRow;
  approval: ApprovalRow;
  rule: RuleRow;
  usage: UsageRow;
  cap: CapRow;
  message: MessageRow;
  channel: ChannelRow;
  member: MemberRow;
  identity: IdentityRow;
  invite: InviteRow;
  cursor: CursorRow;
  skill: SkillRow;
  proposal: ProposalRow;
  merge: MergeRow;
  file: FileRow;
};
export type Specs = { [N in keyof RowOf]: ViewSpec<RowOf[N]> };

export const viewSpecs: Specs = {
  node: nodeView,
  agent: agentView,
  project: projectView,
  task: taskView,
  post: postView,
  approval: approvalView,
  rule: ruleView,
  usage: usageView,
  cap: capView,
  message: messageView,
  channel: channelView,
  member: memberView,
  identity: identityView,
  invite: inviteView,
  cursor: cursorView,
  skill: skillView,
  proposal: proposalView,
  merge: mergeView,
  file: fileView,
};

/** Committed rows only: what is shown or decided upon is on disk. */
export interface Views {
  get<N extends keyof RowOf>(view: N, key: string): RowOf[N] | undefined;
  list<N extends keyof RowOf>(view: N, query: Query): RowOf[N][];
  count(view: keyof RowOf, where: NonNullable<Query['where']>): number;
}
