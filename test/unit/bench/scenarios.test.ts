import { expect, test } from 'vitest';
import { kindsFor } from '../../../bench/rounds.ts';
import { imapSet, scenarios } from '../../../bench/scenarios/all.ts';
import type { Feature, SubjectKind } from '../../../bench/subject.ts';
import { findSubjects } from '../../../bench/subjects/all.ts';

const root = new URL('../../..', import.meta.url).pathname;

test('each scenario has a name of its own, a sentence, and rows of its own', () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
  for (const { name, doc, rows } of scenarios) {
    expect(name, doc).toMatch(/^[a-z0-9.-]+$/);
    expect(doc).toMatch(/^[A-Z0-9].*\.$/);
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map(({ figure }) => figure)).size).toBe(rows.length);
  }
});

test('the set imap is of scenarios that there are', () => {
  const names = scenarios.map(({ name }) => name);
  expect(imapSet.filter((name) => !names.includes(name))).toEqual([]);
});

test('a subject that lacks a feature is left out', () => {
  const needs = scenarios.find(({ name }) => name === 'splice-rsa')!;
  expect(namesFor(['splice', 'rsa'])).toEqual(['able']);
  expect(namesFor(['splice'])).toEqual([]);
  function namesFor(features: readonly Feature[]): readonly string[] {
    return kindsFor(needs, [kind(features)]).map(({ name }) => name);
  }
});

test('one floor and one of ours come before all rivals, and Postern takes every scenario', () => {
  const roles = findSubjects(root).map(({ role }) => role);
  expect(roles.slice(0, 2)).toEqual(['floor', 'ours']);
  expect(roles.slice(2).every((role) => role === 'rival')).toBe(true);
  const ours = findSubjects(root).filter(({ role }) => role === 'ours');
  expect(scenarios.filter((scenario) => kindsFor(scenario, ours).length === 0)).toEqual([]);
});

function kind(features: readonly Feature[]): SubjectKind {
  const start = () => Promise.reject(new Error('not started here'));
  return { name: 'able', role: 'rival', version: '', missing: undefined, features, start };
}
