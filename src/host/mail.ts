/** Messages of a node, put together: what doors use, and what goes on by itself. */
import type { Messaging } from '#core/message/messaging.ts';
import type { MailroomOptions } from './mailroom.ts';
import { Mailroom } from './mailroom.ts';
import type { QuestionsOptions } from './message-questions.ts';
import { Questions } from './message-questions.ts';
import type { Closers } from './parts.ts';
import type { HostedNode } from './swarm-node.ts';

export type Mail = { messages: Messaging; start(node: HostedNode, closers: Closers): void };

export function mailOf(o: Omit<MailroomOptions, 'questions'> & Omit<QuestionsOptions, 'nowMs'>): Mail {
  const questions = new Questions({ ...o, nowMs: Date.now });
  return {
    messages: new Mailroom({ ...o, questions }),
    start: (node, closers) => {
      const stop = node.onArrivals((arrivals) => questions.arrived(arrivals));
      closers.add(() => {
        stop();
        questions.close();
      });
      questions.start();
    },
  };
}
