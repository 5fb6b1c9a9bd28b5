/** Tools by which a model sends and hears messages. */
import { INPUT as MESSAGE } from '../message/desk.ts';
import { SEARCH_INPUT } from '../message/search-desk.ts';
import { toolsOf } from './tool.ts';

export const MESSAGE_INPUTS = {
  message_send: MESSAGE.send,
  message_listen: MESSAGE.receive,
  message_read: MESSAGE.one,
  message_search: SEARCH_INPUT,
  message_acknowledge: MESSAGE.ids,
  message_ask: MESSAGE.ask,
  message_answer: MESSAGE.answer,
  message_remind: MESSAGE.remind,
};

const tool = toolsOf(MESSAGE_INPUTS);

export const MESSAGE_TOOLS = [
  tool(
    'message_send',
    'Send a message',
    'Write to another agent by its name, to operator for people, or to * for all agents, who may need to do nothing. It is stored until it is read.',
  ),
  tool(
    'message_listen',
    'Read messages',
    'Messages to you, oldest first: those that are there, or the first that comes within wait_seconds. Acknowledge what you have handled, or it comes again.',
  ),
  tool('message_read', 'Read a long message', 'The whole text of a message to you, or from you, that was cut.', true),
  tool(
    'message_search',
    'Search messages',
    'What was said before: in channels that you may read, to you, and by you. A page; the next one by its cursor.',
    true,
  ),
  tool(
    'message_acknowledge',
    'Acknowledge messages',
    'Say that messages are handled: those of ids, or all that you have read.',
  ),
  tool(
    'message_ask',
    'Ask somebody',
    'Put a question to people, or to another agent, and go on: the answer comes as a message, and after ttl_seconds the word [expired].',
  ),
  tool('message_answer', 'Answer a question', 'Answer a question that was put to you, by the id of its message.'),
  tool(
    'message_remind',
    'Remind yourself',
    'A message to yourself, later: after delay_seconds, or at at_unix_timestamp.',
  ),
];
