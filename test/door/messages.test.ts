/** Channels as people reach them: over the same routes as any reader of messages. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

describe('messages to a channel', () => {
  let served: Served;
  beforeAll(async () => (served = await serve()));
  afterAll(() => served.close());

  it('are listed there, newest first, as sent, and found by their words', async () => {
    for (const body of ['the lexer is in', 'the parser is in'])
      expect((await served.post('/api/messages', { to: '#general', body })).status).toBe(201);
    const listed = await served.json('/api/messages?to=%23general');
    expect(listed).toMatchObject([
      { to: '#general', body: 'the parser is in', state: 'sent' },
      { to: '#general', body: 'the lexer is in', state: 'sent' },
    ]);
    expect(await served.json('/api/messages?to=%23general&text=LEXER')).toMatchObject([{ body: 'the lexer is in' }]);
    expect(await served.json('/api/messages?to=%23help')).toEqual([]);
  });

  it('are refused where there is no such channel, and words without a reader', async () => {
    expect((await served.post('/api/messages', { to: '#nowhere', body: 'x' })).status).toBe(404);
    expect((await served.fetch('/api/messages?text=x')).status).toBe(400);
  });
});
