/** The table by which a frame is parsed, let through and carried out: one line a type, so that none is known to one of the three alone. */
import { BLOB_ABOVE_BYTES } from '#core/schema/ids.ts';
import * as admin from './admin.ts';
import * as channels from './channels.ts';
import type { FrameName, Refused, Said } from './frames.ts';
import { FRAMES, isRefused } from './frames.ts';
import type { Answer, Handler, Place } from './handler.ts';
import { anyone, member } from './handler.ts';
import { identify, verifyIdentity } from './login.ts';
import { MARKET_HANDLERS } from './market-handlers.ts';
import { searchSaid } from './search.ts';
import * as talk from './talk.ts';

/** Of one unit of a JavaScript text. */
const UTF8_MAX_BYTES = 3;

const HANDLERS: Record<FrameName, Handler> = {
  IDENTIFY: anyone(FRAMES.IDENTIFY, (frame, { session, hub }) => identify(frame, session, hub)),
  VERIFY_IDENTITY: anyone(FRAMES.VERIFY_IDENTITY, (frame, { session, hub }) => verifyIdentity(frame, session, hub)),
  PING: anyone(FRAMES.PING, (_frame, { session }) => session.send('PONG') ?? undefined),
  LIST_CHANNELS: anyone(FRAMES.LIST_CHANNELS, channels.listChannels),
  JOIN: member(FRAMES.JOIN, channels.join),
  LEAVE: member(FRAMES.LEAVE, channels.leave),
  LIST_AGENTS: member(FRAMES.LIST_AGENTS, channels.listAgents),
  CREATE_CHANNEL: member(FRAMES.CREATE_CHANNEL, channels.create),
  INVITE: member(FRAMES.INVITE, channels.invite),
  MODERATE: member(FRAMES.MODERATE, channels.moderate),
  MSG: member(FRAMES.MSG, talk.speak),
  TYPING: member(FRAMES.TYPING, talk.typing),
  RESPONDING_TO: member(FRAMES.RESPONDING_TO, (frame, at) => at.claims.respond(frame, at)),
  SET_PRESENCE: member(FRAMES.SET_PRESENCE, talk.setPresence),
  SET_NICK: member(FRAMES.SET_NICK, talk.setNick),
  VERIFY_REQUEST: member(FRAMES.VERIFY_REQUEST, (frame, at) => at.proofs.ask(frame, at)),
  VERIFY_RESPONSE: member(FRAMES.VERIFY_RESPONSE, (frame, at) => at.proofs.answer(frame, at)),
  SEARCH_MESSAGES: member(FRAMES.SEARCH_MESSAGES, searchSaid),
  ADMIN_APPROVE: member(FRAMES.ADMIN_APPROVE, admin.approve),
  ADMIN_REVOKE: member(FRAMES.ADMIN_REVOKE, admin.revoke),
  ADMIN_LIST: member(FRAMES.ADMIN_LIST, admin.list),
  ADMIN_KICK: member(FRAMES.ADMIN_KICK, admin.kick),
  ADMIN_BAN: member(FRAMES.ADMIN_BAN, (frame, at) => admin.ban(frame, at, true)),
  ADMIN_UNBAN: member(FRAMES.ADMIN_UNBAN, (frame, at) => admin.ban(frame, at, false)),
  ...MARKET_HANDLERS,
};

/** Carries out one frame; what is refused has changed nothing. A promise where the next frame of its sender has to wait. */
export const handle = (said: Said | Refused, place: Place): Answer =>
  isRefused(said) ? said : HANDLERS[said.name](said.json, place);

/** It only adds to the log, at once: a text that becomes a blob would be written first, and one after it come before it. */
export const mayOverlap = (said: Said | Refused, text: string): boolean =>
  !isRefused(said) && said.name === 'MSG' && text.length * UTF8_MAX_BYTES <= BLOB_ABOVE_BYTES;
