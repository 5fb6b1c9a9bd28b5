/** What is said: to a channel, to one, and what stands for nothing in the log: typing, presence, pieces of files, and proofs between two agents. */
import { masked } from '#core/approval/mask.ts';
import type { OpId } from '#core/brand.ts';
import { speakBar } from '#core/channel/rules.ts';
import { isKnownMessage } from '#core/view/message.ts';
import { isRefusal } from '../refusal.ts';
import type { At } from './channels.ts';
import { isKnownTo } from './channels.ts';
import { fileWord, isFileWord, json } from './file-words.ts';
import type { ErrorCode, FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import { speakerOf } from './key.ts';
import { isReserved } from './login.ts';
import { isTaken } from './names.ts';

type Answer = Promise<Refused | undefined>;

/** As in AgentChat. */
const NICK_MS = 30_000;

/** What the hub calls what delivery refuses; all else is told as a limit. */
const REFUSALS: Readonly<Partial<Record<string, ErrorCode>>> = { too_large: 'INVALID_MSG', forbidden: 'NOT_ALLOWED' };

/** On disk before anybody is told, the speaker included: its own copy is the acknowledgement. */
export async function speak(frame: FrameOf<'MSG'>, at: At): Answer {
  const { session, member, hub } = at;
  const { to } = frame;
  if (to.startsWith('@') && isFileWord(frame.content)) return fileWordSaid(frame, at);
  const pace = paceBar(at);
  if (pace !== undefined) return pace === 'gone' ? undefined : pace;
  const bar = to.startsWith('#') ? channelBar(to, at) : readerBar(to, at);
  if (bar !== undefined) return bar;
  const before = replyOf(frame, at);
  if (isBad(before)) return before;
  const text = masked(frame.content);
  // Another may come before this one is on disk; slow mode holds for both.
  const spokeMs = session.spokeMs.get(to);
  session.spokeMs.set(to, hub.door.now());
  const sent = await hub.door.node.messages.send({
    by: member.by,
    sender: undefined,
    channels: [to],
    kind: 'text',
    text,
    replyTo: before,
    source: member.name,
    dueMs: null,
    ...(typeof frame.sig === 'string' ? { sig: frame.sig } : {}),
  });
  if (isRefusal(sent)) {
    session.spokeMs.set(to, spokeMs ?? -Infinity);
    return bad(REFUSALS[sent.code] ?? 'RATE_LIMITED', sent.message);
  }
  if (text === frame.content) return undefined;
  hub.serverSays(session, 'something in your message had the shape of a secret and was left out');
  return undefined;
}

/** One that goes on after it was told is paused, and in the end shown the door. */
function paceBar({ session, member, hub }: At): Refused | 'gone' | undefined {
  const nowMs = hub.door.now();
  const pauseMs = hub.escalation.pauseMs(member.id, nowMs);
  if (pauseMs === 0 && session.maySpeak()) return undefined;
  const step = hub.escalation.breach(member.id, nowMs);
  if (step.level === 'kick') {
    hub.expel(member.id, 'KICKED', 'too many messages, again and again');
    return 'gone';
  }
  const pause = Math.max(pauseMs, step.pauseMs);
  if (pause > 0) return bad('RATE_LIMITED', `too many messages: you are paused for ${Math.ceil(pause / 1_000)} s`);
  const warning = step.level === 'warn' ? '; go on so, and you are paused' : '';
  return bad('RATE_LIMITED', `too many messages: one a second${warning}`);
}

const isBad = (value: unknown): value is Refused => typeof value === 'object' && value !== null && 'message' in value;

function channelBar(channel: string, { session, member, hub }: At): Refused | undefined {
  const sinceMs = hub.door.now() - (session.spokeMs.get(channel) ?? -Infinity);
  const bar = speakBar(hub.door.node.store, { channel, member: member.by, sinceMs });
  if (bar === 'unknown') return bad('CHANNEL_NOT_FOUND', `Channel ${channel} not found`);
  if (bar === 'not_member') return bad('NOT_INVITED', `You are not in ${channel}`);
  if (bar === 'muted') return bad('NOT_ALLOWED', `you are muted in ${channel}`);
  return bar === 'slow' ? bad('RATE_LIMITED', `${channel} is in slow mode`) : undefined;
}

/** One with a key, or an agent of the swarm, gets it when it comes; one without only while it is here. */
function readerBar(id: string, { hub }: At): Refused | undefined {
  const target = speakerOf(id);
  if (id === '@operator') return undefined;
  return target !== undefined && isKnownTo(hub, id, target)
    ? undefined
    : bad('AGENT_NOT_FOUND', `Agent ${id} not found`);
}

/** The message that is answered: one that is here, of a channel that this one is in, or of its own. */
function replyOf({ in_reply_to, thread_id }: FrameOf<'MSG'>, { session, member, hub }: At): OpId | null | Refused {
  const id = in_reply_to ?? thread_id;
  if (typeof id !== 'string') return null;
  const row = hub.door.node.store.get('message', id);
  const isOwn = isKnownMessage(row) && (row.sent.channel === member.id || row.sent.from === member.by);
  if (isKnownMessage(row) && (isOwn || session.channels.has(row.sent.channel))) return row.id;
  return bad(
    'INVALID_MSG',
    `${typeof in_reply_to === 'string' ? 'in_reply_to' : 'thread_id'} names no message that you have seen`,
  );
}

export function typing({ channel }: FrameOf<'TYPING'>, { session, member, hub }: At): Refused | undefined {
  if (!session.channels.has(channel)) return bad('NOT_INVITED', `You are not in ${channel}`);
  const fields = { from: member.id, from_name: member.name, channel };
  hub.toChannel(channel, { type: 'TYPING', fields, but: member.id });
  hub.far.say({ kind: 'typing', ...fields });
  return undefined;
}

export function setPresence(frame: FrameOf<'SET_PRESENCE'>, { member, hub }: At): undefined {
  member.presence = frame.status;
  member.statusText = frame.status_text ?? null;
  const { id, name, presence, statusText } = member;
  const fields = { agent_id: id, name, presence, status_text: statusText };
  hub.toCompany(id, 'PRESENCE_CHANGED', fields);
  hub.far.say({ kind: 'presence', ...fields });
}

export async function setNick({ nick }: FrameOf<'SET_NICK'>, { member, hub }: At): Answer {
  if (isReserved(nick)) return bad('INVALID_NAME', 'Reserved name');
  if (isTaken(nick, member.id, hub)) return bad('INVALID_NAME', `the name ${nick} is taken`);
  if (hub.door.now() - member.nickMs < NICK_MS) return bad('RATE_LIMITED', 'a nick changes once in 30 seconds');
  member.nickMs = hub.door.now();
  if (!member.verified) {
    hub.far.say({ kind: 'renamed', agent_id: member.id, old: member.name, nick });
    hub.renamed(member.id, { old: member.name, nick });
    return undefined;
  }
  const body = { type: 'identity.nickSet', identity: member.id.slice(1), nick } as const;
  const written = await hub.door.node.append([{ entity: undefined, by: member.by, body }]);
  return isRefusal(written) ? bad('RATE_LIMITED', written.message) : undefined;
}

/** What two say to one another of a file, one piece of it after the other. Nothing of it is a message: what is offered and taken is in the log by itself. */
async function fileWordSaid({ to, content }: FrameOf<'MSG'>, at: At): Answer {
  const { session, hub } = at;
  if (!session.mayChunk()) return bad('RATE_LIMITED', 'at most ten words of files a second');
  const { data: word, error } = fileWord.safeParse(json(content));
  if (word === undefined) return bad('INVALID_MSG', `Invalid word of a file: ${error.issues[0]?.message ?? ''}`);
  const about = { ...at, to };
  switch (word._ft) {
    case 'offer':
      return hub.incomingFiles.offer(word, content, about);
    case 'complete':
      return hub.incomingFiles.complete(word, about);
    case 'accept':
      return hub.outgoingFiles.accept(word, content, about);
    case 'reject':
    case 'ack':
      return hub.outgoingFiles.answer(word, content, about);
  }
}

/** A piece of a file that was offered is kept. What only two clients understand is passed on to one that is here, and kept by nobody. */
export function fileChunk({ to, content }: FrameOf<'FILE_CHUNK'>, at: At): Refused | undefined | Answer {
  const { session, member, hub } = at;
  if (!session.mayChunk()) return bad('RATE_LIMITED', 'at most ten pieces a second');
  if (isFileWord(content)) return hub.incomingFiles.chunk(content, { ...at, to });
  const target = hub.session(to);
  if (target === undefined) return bad('AGENT_NOT_FOUND', `Agent ${to} not found`);
  target.send('FILE_CHUNK', { from: member.id, to, content });
  return undefined;
}
