/** The tools for channels, carried out: the desk of the agent, in words. */
import type { z } from 'zod';
import * as desk from '../message/channel-desk.ts';
import type { AtDesk } from '../message/desk.ts';
import { isRefusal } from '../refusal.ts';
import type { CHANNEL_INPUTS } from './channel-tools.ts';
import type { Handlers, Said } from './handler.ts';
import { atDesk } from './handler.ts';
import { ENVELOPE } from './messages.ts';

type Input<N extends keyof typeof CHANNEL_INPUTS> = z.output<(typeof CHANNEL_INPUTS)[N]>;

const joinedText = (joined: readonly desk.JoinedChannel[]): string =>
  joined
    .map(({ channel, members, last }) => {
      const head = `You are in ${channel} with ${members.length === 1 ? 'nobody else' : members.join(', ')}.`;
      const lines = last.map(({ id, from, body }) => JSON.stringify({ id, from, body }));
      return lines.length === 0 ? head : [head, ENVELOPE, ...lines].join('\n');
    })
    .join('\n');

async function join(input: Input<'channel_join'>, at: AtDesk): Promise<Said> {
  const joined = await desk.join(input, at);
  return isRefusal(joined) ? joined : joinedText(joined);
}

async function create(input: Input<'channel_create'>, at: AtDesk): Promise<Said> {
  const made = await desk.create(input, at);
  return isRefusal(made) ? made : joinedText(made);
}

async function leave(input: Input<'channel_leave'>, at: AtDesk): Promise<Said> {
  const left = await desk.leave(input, at);
  if (isRefusal(left)) return left;
  return left ? `You left ${input.channel}.` : `You were not in ${input.channel}.`;
}

const list = async (_input: Input<'channels_list'>, at: AtDesk): Promise<Said> =>
  desk
    .list(at)
    .map((line) => JSON.stringify(line))
    .join('\n');

async function done(made: Promise<true | Exclude<Said, string>>, text: string): Promise<Said> {
  const answer = await made;
  return answer === true ? text : answer;
}

async function claim(input: Input<'message_claim'>, at: AtDesk): Promise<Said> {
  const held = desk.claim(input, at);
  if (isRefusal(held)) return held;
  return held.isOwn ? 'It is yours: answer it.' : `${held.holder} is answering it: leave it to them.`;
}

export const CHANNEL_HANDLERS: Handlers<typeof CHANNEL_INPUTS> = {
  channel_join: atDesk(join),
  channel_leave: atDesk(leave),
  channels_list: atDesk(list),
  channel_create: atDesk(create),
  channel_invite: atDesk((input, at) => done(desk.invite(input, at), `${input.agent} may join ${input.channel}.`)),
  presence_set: atDesk((input, at) => done(desk.presence(input, at), 'Told.')),
  nick_set: atDesk((input, at) => done(desk.nick(input, at), `You are called ${input.nick} in your channels.`)),
  message_claim: atDesk(claim),
};
