/** No row of AgentChat's protocol is without a golden frame: its frames of clients and of the server, what each is refused for, and its words. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';

const text = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
const frame = z.looseObject({
  type: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
});
const marketLine = z.union([z.object({ who: z.string(), say: frame }), z.object({ who: z.string(), hear: frame })]);

type Said = { who: string; way: 'says' | 'hears'; frame: z.output<typeof frame> };

const inScenes = text('golden.txt')
  .split('\n')
  .flatMap((line): Said[] => {
    const [, who = '', way, json = ''] = /^(\w+) ([<>]) (\{.*)$/.exec(line) ?? [];
    return way === undefined
      ? []
      : [{ who, way: way === '>' ? 'says' : 'hears', frame: frame.parse(JSON.parse(json)) }];
  });
const onMarket = text('market.jsonl')
  .trim()
  .split('\n')
  .flatMap((line): Said[] => {
    const said = marketLine.safeParse(JSON.parse(line)).data;
    if (said === undefined) return [];
    const { who } = said;
    return 'say' in said ? [{ who, way: 'says', frame: said.say }] : [{ who, way: 'hears', frame: said.hear }];
  });
const all = [...inScenes, ...onMarket];
const types = (way: Said['way']): Set<string> =>
  new Set(all.filter((one) => one.way === way).flatMap(({ frame: { type } }) => type ?? []));

/** `JOIN CHANNEL_NOT_FOUND`: what a client says, and the code that it hears next. */
const refusals = new Set(
  all.flatMap(({ who, way, frame: { type } }, at) => {
    const next = all.slice(at + 1).find((one) => one.who === who && one.way === 'hears');
    return way === 'says' && next?.frame.type === 'ERROR' ? `${type} ${next.frame.code}` : [];
  }),
);

/** Of clients, in the order of AgentChat's table; those of its court are answered with a reason. */
const CLIENT = `IDENTIFY VERIFY_IDENTITY PING JOIN LEAVE LIST_AGENTS LIST_CHANNELS CREATE_CHANNEL INVITE MSG TYPING SET_PRESENCE SET_NICK
  VERIFY_REQUEST VERIFY_RESPONSE REGISTER_SKILLS SEARCH_SKILLS PROPOSAL ACCEPT REJECT COMPLETE DISPUTE DISPUTE_INTENT DISPUTE_REVEAL EVIDENCE
  ARBITER_ACCEPT ARBITER_DECLINE ARBITER_VOTE RESPONDING_TO FILE_CHUNK ADMIN_APPROVE ADMIN_REVOKE ADMIN_LIST ADMIN_KICK ADMIN_BAN ADMIN_UNBAN`;
/** Of the server, but those of its court, which there is none of. */
const SERVER = `WELCOME CHALLENGE MSG JOINED LEFT AGENT_JOINED AGENT_LEFT CHANNELS AGENTS PRESENCE_CHANGED NICK_CHANGED TYPING PONG ERROR
  VERIFY_REQUEST VERIFY_SUCCESS VERIFY_FAILED SKILLS_REGISTERED SEARCH_RESULTS PROPOSAL ACCEPT REJECT COMPLETE DISPUTE FLOOR_CLAIMED YIELD
  SESSION_DISPLACED KICKED BANNED ADMIN_RESULT FILE_CHUNK`;
const REFUSED: Readonly<Record<string, string>> = {
  IDENTIFY: 'INVALID_NAME INVALID_MSG NOT_ALLOWED BANNED',
  VERIFY_IDENTITY: 'VERIFICATION_EXPIRED VERIFICATION_FAILED BANNED',
  JOIN: 'CHANNEL_NOT_FOUND NOT_INVITED AUTH_REQUIRED',
  LIST_AGENTS: 'CHANNEL_NOT_FOUND NOT_INVITED',
  CREATE_CHANNEL: 'CHANNEL_EXISTS INVALID_NAME',
  INVITE: 'NOT_INVITED AGENT_NOT_FOUND',
  MSG: 'RATE_LIMITED CHANNEL_NOT_FOUND NOT_INVITED AGENT_NOT_FOUND INVALID_MSG',
  SET_NICK: 'INVALID_NAME RATE_LIMITED AUTH_REQUIRED',
  SET_PRESENCE: 'INVALID_MSG',
  VERIFY_REQUEST: 'AGENT_NOT_FOUND NO_PUBKEY',
  VERIFY_RESPONSE: 'VERIFICATION_EXPIRED VERIFICATION_FAILED',
  REGISTER_SKILLS: 'SIGNATURE_REQUIRED VERIFICATION_FAILED',
  PROPOSAL: 'SIGNATURE_REQUIRED VERIFICATION_FAILED AGENT_NOT_FOUND INVALID_MSG INVALID_PROPOSAL',
  ACCEPT: 'INSUFFICIENT_REPUTATION INVALID_PROPOSAL SIGNATURE_REQUIRED',
  REJECT: 'INVALID_PROPOSAL INVALID_MSG',
  COMPLETE: 'INVALID_PROPOSAL RATE_LIMITED',
  DISPUTE: 'INVALID_PROPOSAL',
  FILE_CHUNK: 'AGENT_NOT_FOUND INVALID_MSG',
  ADMIN_APPROVE: 'AUTH_REQUIRED',
  ADMIN_KICK: 'AUTH_REQUIRED AGENT_NOT_FOUND',
};
const WORDS =
  'PROPOSAL_NOT_FOUND PROPOSAL_NOT_PENDING PROPOSAL_NOT_ACCEPTED NOT_PROPOSAL_RECIPIENT NOT_PROPOSAL_PARTY PROPOSAL_EXPIRED';
/** Of a file, in the text of a MSG or of a FILE_CHUNK. */
const FILE_WORDS = 'offer accept reject chunk complete ack';

const words = (list: string): string[] => list.trim().split(/\s+/);
const missing = (list: readonly string[], held: ReadonlySet<string>): string[] => list.filter((one) => !held.has(one));

it('of what clients say', () => {
  expect(missing(words(CLIENT), types('says'))).toEqual([]);
});

it('of what the server says', () => {
  expect(missing(words(SERVER), types('hears'))).toEqual([]);
});

it('of what is refused, by code', () => {
  const wanted = Object.entries(REFUSED).flatMap(([type, codes]) => words(codes).map((code) => `${type} ${code}`));
  expect(missing(wanted, refusals)).toEqual([]);
});

it('of the words for a proposal that cannot become that', () => {
  const told = all.flatMap(({ frame: { code, message } }) => (code === 'INVALID_PROPOSAL' ? (message ?? []) : []));
  expect(missing(words(WORDS), new Set(told))).toEqual([]);
});

it('of its court, whose frames are answered that disputes go to the operator', () => {
  const court = words(CLIENT).filter((type) => /^(DISPUTE_|EVIDENCE|ARBITER_)/.test(type));
  expect(court.map((type) => `${type} INVALID_MSG`).filter((one) => !refusals.has(one))).toEqual([]);
  const told = all.filter(({ frame: { message } }) => message === 'disputes go to the operator');
  expect(told.length).toBeGreaterThanOrEqual(court.length);
});

it('of files, in both directions', () => {
  const heard = (way: Said['way']): Set<string> =>
    new Set(
      all.flatMap((one) => {
        const word: unknown = z.looseObject({ _ft: z.string() }).safeParse(one.frame['content']).data?._ft;
        return one.way === way && typeof word === 'string' ? word : [];
      }),
    );
  expect(missing(words(FILE_WORDS), heard('says'))).toEqual([]);
  expect(missing(words(`${FILE_WORDS} have`), heard('hears'))).toEqual([]);
});
