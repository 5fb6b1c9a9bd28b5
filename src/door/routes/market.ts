/** The market, as people see it and take part in it. */
import { z } from 'zod';
import { RESULTS_MAX } from '#core/market/skills.ts';
import { homeOfProposal } from '#core/view/proposal.ts';
import { opJson, opJsonSchema } from '../json/op.ts';
import {
  proposalJson,
  PROPOSAL_STATES,
  proposalJsonSchema,
  ratingJsonSchema,
  skillJsonSchema,
} from '../json/proposal.ts';
import { INPUT } from '../market/desk.ts';
import * as desk from '../market/desk.ts';
import { findProposal } from '../lookup.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, listQuery, none, queryNumber } from './input.ts';

const LIST_MAX = 1_000;
const done = z.object({ state: z.enum(['unknown', ...PROPOSAL_STATES]) });
/** Ops in one timeline: a proposal has eight words at most. */
const TIMELINE_MAX = 100;

const skills = jsonRoute({
  method: 'GET',
  path: '/api/market/skills',
  summary: 'Who says that it can do what, best rated first',
  action: 'market.read',
  params: none,
  query: z.object({
    capability: z.string().max(64).optional().describe('Part of its name'),
    text: z.string().max(200).optional().describe('Words in its name or in what is said of it'),
    currency: z.string().max(16).optional(),
    max_rate: queryNumber({ min: 0, max: 999_999_999, default: 999_999_999 }),
    limit: queryNumber({ min: 1, max: RESULTS_MAX, default: RESULTS_MAX }),
  }),
  body: none,
  answer: z.array(skillJsonSchema),
  status: 200,
  handle: ({ query, door }) => desk.search(query, { door }),
});

const register = jsonRoute({
  method: 'POST',
  path: '/api/market/skills',
  summary: 'Say what you can do: all of it',
  action: 'market.act',
  params: none,
  query: none,
  body: INPUT.register,
  answer: z.object({ skills: z.number().int() }),
  status: 201,
  handle: async ({ body, by, door }) => {
    const count = await desk.register(body, { by, door });
    return isRefusal(count) ? count : { skills: count };
  },
});

const proposals = jsonRoute({
  method: 'GET',
  path: '/api/market/proposals',
  summary: 'Proposals and deals, newest first',
  action: 'market.read',
  params: none,
  query: listQuery(LIST_MAX).extend({
    state: z
      .enum(['open', ...PROPOSAL_STATES])
      .optional()
      .describe('open: disputed, then accepted, then pending'),
  }),
  body: none,
  answer: z.array(proposalJsonSchema),
  status: 200,
  handle: ({ query: { state, ...page }, door }) =>
    state === 'open' ? desk.open(page, { door }) : desk.list({ ...page, state }, { door }),
});

const show = jsonRoute({
  method: 'GET',
  path: '/api/market/proposals/{id}',
  summary: 'One of them',
  action: 'market.read',
  params: idParams,
  query: none,
  body: none,
  answer: proposalJsonSchema,
  status: 200,
  handle: ({ params, door }) => {
    const row = findProposal(params.id, door);
    return isRefusal(row) ? row : proposalJson(row, door);
  },
});

const timeline = jsonRoute({
  method: 'GET',
  path: '/api/market/proposals/{id}/timeline',
  summary: 'What became of it, oldest first',
  action: 'market.read',
  params: idParams,
  query: none,
  body: none,
  answer: z.array(opJsonSchema),
  status: 200,
  handle: ({ params, door }) => {
    const row = findProposal(params.id, door);
    if (isRefusal(row)) return row;
    const ops = door.node.store.opsAbout(row.id, TIMELINE_MAX);
    // What another node writes about it counts nowhere.
    return ops.filter(({ header }) => header.node === homeOfProposal(row.id)).map((op) => opJson(op, door));
  },
});

const propose = jsonRoute({
  method: 'POST',
  path: '/api/market/proposals',
  summary: 'Offer to pay for work: to somebody, or a task to whoever wins it',
  action: 'market.act',
  params: none,
  query: none,
  body: INPUT.propose,
  answer: proposalJsonSchema,
  status: 201,
  handle: ({ body, by, door }) => desk.propose(body, { by, door }),
});

const DECIDED = '`home_unreachable`: the node where it was made is away, nothing was stored';

/** What is done about one proposal, which stands in the path. */
function actRoute<I extends object>(o: {
  name: string;
  summary: string;
  body: z.ZodType<I>;
  run: (proposal_id: string, input: I, at: desk.AtMarket) => ReturnType<typeof desk.complete>;
}): Route {
  return jsonRoute({
    method: 'POST',
    path: `/api/market/proposals/{id}/${o.name}`,
    summary: `${o.summary}. ${DECIDED}`,
    action: 'market.act',
    params: idParams,
    query: none,
    body: o.body,
    answer: done,
    status: 200,
    handle: ({ params, body, by, door }) => o.run(params.id, body, { by, door }),
  });
}

const about = { proposal_id: true } as const;

const acts: readonly Route[] = [
  actRoute({
    name: 'accept',
    summary: 'Accept it',
    body: INPUT.accept.omit(about),
    run: (proposal_id, input, at) => desk.accept({ ...input, proposal_id }, at),
  }),
  actRoute({
    name: 'reject',
    summary: 'Reject it',
    body: INPUT.reject.omit(about),
    run: (proposal_id, input, at) => desk.reject({ ...input, proposal_id }, at),
  }),
  actRoute({
    name: 'complete',
    summary: 'Confirm that it is done; of the worker, say so',
    body: INPUT.complete.omit(about),
    run: (proposal_id, input, at) => desk.complete({ ...input, proposal_id }, at),
  }),
  actRoute({
    name: 'dispute',
    summary: 'Put it before the operator',
    body: INPUT.dispute.omit(about),
    run: (proposal_id, input, at) => desk.dispute({ ...input, proposal_id }, at),
  }),
];

const ratings = jsonRoute({
  method: 'GET',
  path: '/api/market/ratings',
  summary: 'Who is rated, best first',
  action: 'market.read',
  params: none,
  query: z.object({
    capability: z.string().min(1).max(64).optional(),
    limit: queryNumber({ min: 1, max: LIST_MAX, default: 100 }),
  }),
  body: none,
  answer: z.array(ratingJsonSchema),
  status: 200,
  handle: ({ query, door }) => desk.best(query, { door }),
});

const receipts = jsonRoute({
  method: 'GET',
  path: '/api/market/receipts',
  summary: 'Deals that were completed or settled, newest first',
  action: 'market.read',
  params: none,
  query: z.object({ limit: queryNumber({ min: 1, max: LIST_MAX, default: 100 }) }),
  body: none,
  answer: z.array(proposalJsonSchema),
  status: 200,
  handle: ({ query, door }) => desk.receipts(query.limit, { door }),
});

export const marketRoutes: readonly Route[] = [
  skills,
  register,
  proposals,
  show,
  timeline,
  propose,
  ...acts,
  ratings,
  receipts,
];
