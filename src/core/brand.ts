/**
 * Branded ids: strings that cannot be mistaken for one another. This file is the only place where a plain string becomes one.
 */
declare const brand: unique symbol;

type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** First 32 hex digits of the SHA-256 of the node's public key (SPKI, DER). */
export type NodeId = Brand<string, 'NodeId'>;

/** `<node id>-<seq>`: names one op, and the entity which that op created. Legal in a path, a URL and a git ref. */
export type OpId = Brand<string, 'OpId'>;

/** SHA-256 as 64 lower-case hex digits. */
export type Hash = Brand<string, 'Hash'>;

/** Who an op speaks for: `user:<name>`, `agent:<op id>` or `node:<node id>`. Set by the door, never by the body. */
export type Principal = Brand<string, 'Principal'>;

/** Names one process under a holder: `<task op id>.<attempt>` for a turn of a task. */
export type ProcId = Brand<string, 'ProcId'>;

export const nodeIdOf = (text: string): NodeId => text as NodeId;
export const opIdOf = (node: string, seq: number): OpId => `${node}-${seq}` as OpId;
export const parsedOpId = (text: string): OpId => text as OpId;
export const hashOf = (text: string): Hash => text as Hash;
export const procIdOf = (task: string, attempt: number): ProcId => `${task}.${attempt}` as ProcId;
export const parsedProcId = (text: string): ProcId => text as ProcId;
export const userPrincipal = (name: string): Principal => `user:${name}` as Principal;
export const agentPrincipal = (agent: OpId): Principal => `agent:${agent}` as Principal;
export const nodePrincipal = (node: NodeId): Principal => `node:${node}` as Principal;
export const parsedPrincipal = (text: string): Principal => text as Principal;
