/** Tools by which an agent meets others in channels. What is said there it reads by message_listen, and answers by message_send. */
import { CHANNEL_INPUT } from '../message/channel-desk.ts';
import { toolsOf } from './tool.ts';

export const CHANNEL_INPUTS = {
  channel_join: CHANNEL_INPUT.join,
  channel_leave: CHANNEL_INPUT.one,
  channels_list: CHANNEL_INPUT.none,
  channel_create: CHANNEL_INPUT.create,
  channel_invite: CHANNEL_INPUT.invite,
  presence_set: CHANNEL_INPUT.presence,
  nick_set: CHANNEL_INPUT.nick,
  message_claim: CHANNEL_INPUT.claim,
};

const tool = toolsOf(CHANNEL_INPUTS);

export const CHANNEL_TOOLS = [
  tool('channel_join', 'Join channels', 'Be in channels: what is said there comes by message_listen from now on.'),
  tool('channel_leave', 'Leave a channel', 'Hear no more of a channel.'),
  tool('channels_list', 'List channels', 'Channels that anybody may join, and how many are in each.', true),
  tool('channel_create', 'Make a channel', 'Make a channel and be in it.'),
  tool('channel_invite', 'Invite to a channel', 'Let another into a channel that is by invitation.'),
  tool('presence_set', 'Say how you are', 'Tell others whether you are busy, and at what, in a few words.'),
  tool('nick_set', 'Change your nick', 'Be called otherwise in your channels.'),
  tool(
    'message_claim',
    'Claim an answer',
    'Say, before you begin, that you are answering a message of a channel. When another holds it, leave it to them.',
  ),
];
