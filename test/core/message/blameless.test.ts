import { expect, it } from 'vitest';
import { DELIVERIES_MAX } from '#core/message/mailboxes.ts';
import { Machine } from '../machine.ts';
import { sent, take } from './post-office.ts';

it('what was kept from its reader by something else is put back with the mark, as often as it takes', async () => {
  const machine = new Machine(0);
  await machine.register();
  const agent = await machine.agent();
  await sent(machine, { to: agent, text: 'patience' });
  for (let turn = 1; turn <= 2 * DELIVERIES_MAX; turn++) {
    const [handed] = await take(machine, { agent });
    expect(handed?.redelivered).toBe(turn > 1);
    machine.core.mail(machine.clock()).boxes.requeue({ agent, messages: undefined, isBlameless: true });
    await machine.tick();
  }
  expect(machine.core.mail(machine.clock()).boxes.counts(agent)).toMatchObject({ waiting: 1 });
});
