/** Who may come in: tokens, logins for browsers, and the code by which another machine joins. */
import { z } from 'zod';
import { dateText } from '../json/text.ts';
import { pageAsset } from '../asset.ts';
import { isRefusal } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute, otherRoute } from '../route.ts';
import { tokenNameSchema, tokenRoleSchema } from '../tokens.ts';
import { userPrincipal } from '#core/brand.ts';
import { none } from './input.ts';

const me = jsonRoute({
  method: 'GET',
  path: '/api/me',
  summary: 'Who the token or the session speaks for, and what it may do',
  action: 'status.read',
  params: none,
  query: none,
  body: none,
  answer: z
    .object({ principal: z.string(), role: z.enum(['operator', 'viewer', 'node', 'agent', 'hook']) })
    .meta({ id: 'Me' }),
  status: 200,
  handle: ({ by, caller }) => ({ principal: by, role: caller?.role ?? 'viewer' }),
});

const tokenJson = { name: z.string(), role: tokenRoleSchema, created_at: z.string().nullable() };

const tokens = jsonRoute({
  method: 'GET',
  path: '/api/tokens',
  summary: 'Names and roles of all tokens; never the tokens',
  action: 'token.read',
  params: none,
  query: none,
  body: none,
  answer: z.array(z.object(tokenJson)),
  status: 200,
  handle: ({ door }) =>
    door.tokens.list().map(({ name, role, createdMs }) => ({
      name,
      role,
      created_at: createdMs === null ? null : dateText(createdMs),
    })),
});

const createToken = jsonRoute({
  method: 'POST',
  path: '/api/tokens',
  summary: 'Make a token; it is shown this once',
  action: 'token.create',
  params: none,
  query: none,
  body: z.object({ name: tokenNameSchema, role: tokenRoleSchema }),
  answer: z.object({ ...tokenJson, token: z.string() }),
  status: 201,
  handle: async ({ body: { name, role }, door }) => {
    const made = await door.tokens.create({ name, role });
    return isRefusal(made) ? made : { name, role, created_at: dateText(made.createdMs), token: made.token };
  },
});

const removeToken = jsonRoute({
  method: 'DELETE',
  path: '/api/tokens/{name}',
  summary: 'Take a token back; browsers logged in with it are logged out',
  action: 'token.remove',
  params: z.object({ name: z.string().min(1).max(64) }),
  query: none,
  body: none,
  answer: z.object({ status: z.literal('removed'), name: z.string() }),
  status: 200,
  handle: async ({ params: { name }, door }) => {
    const answer = await door.tokens.remove(name);
    if (isRefusal(answer)) return answer;
    door.sessions.forget(userPrincipal(name));
    return { status: answer, name };
  },
});

const createLoginCode = jsonRoute({
  method: 'POST',
  path: '/api/login-codes',
  summary: 'A code that logs one browser in, once, within ten minutes',
  action: 'login.create',
  params: none,
  query: none,
  body: z.object({ role: tokenRoleSchema.nullish().describe('What the browser may do; operator when left out') }),
  answer: z.object({
    code: z.string(),
    path: z.string(),
    url: z.string().nullable().describe('Null while this node serves no HTTP'),
    role: tokenRoleSchema,
    expires_at: z.string(),
  }),
  status: 201,
  handle: ({ body, by, door }) => {
    const role = body.role ?? 'operator';
    const { code, untilMs } = door.sessions.createCode({ principal: by, role });
    const path = `login?code=${code}`;
    const { url } = door.site;
    return {
      code,
      path: `/${path}`,
      url: url === undefined ? null : `${url}${path}`,
      role,
      expires_at: dateText(untilMs),
    };
  },
});

const login = otherRoute({
  method: 'GET',
  path: '/login',
  summary: 'Log this browser in with a code, and go to the page',
  action: 'login.use',
  params: none,
  query: z.object({ code: z.string().max(200).optional() }),
  body: none,
  answer: 'page',
  httpOnly: true,
  status: 303,
  handle: async ({ query, door }) => {
    const session = query.code === undefined ? undefined : door.sessions.login(query.code);
    if (session !== undefined) return { kind: 'redirect', location: '', session };
    const asset = await pageAsset('login.html');
    if (asset === undefined) throw new Error('login.html is gone');
    return { kind: 'page', status: query.code === undefined ? 200 : 401, asset };
  },
});

const joinCode = jsonRoute({
  method: 'GET',
  path: '/api/join-code',
  summary: 'The code by which another machine joins this swarm: it holds the secret of the cluster',
  action: 'joinCode.read',
  params: none,
  query: none,
  body: none,
  answer: z.object({ code: z.string() }),
  status: 200,
  handle: ({ door }) => ({ code: door.node.joinCode() }),
});

export const accessRoutes: readonly Route[] = [me, tokens, createToken, removeToken, createLoginCode, login, joinCode];
