import { expect } from 'vitest';

/** A refusal as every refusal is: RFC 9457, with a stable code, the request's id, and its trace's wherever the header tells it. */
export function expectProblem(
  answer: { readonly status: number; readonly headers: Headers; readonly body: string },
  expected: { readonly status: number; readonly code: string; readonly detail?: RegExp },
): void {
  expect({ status: answer.status, type: answer.headers.get('content-type') }).toEqual({
    status: expected.status,
    type: 'application/problem+json',
  });
  const problem: unknown = JSON.parse(answer.body);
  const traceId = answer.headers.get('x-trace-id');
  const withId = expected.code !== 'http_invalid';
  expect(problem).toEqual({
    type: `urn:penstock:problem:${expected.code}`,
    status: expected.status,
    code: expected.code,
    title: expect.stringMatching(/^[A-Z]/),
    ...(expected.detail === undefined ? {} : { detail: expect.stringMatching(expected.detail) }),
    ...(withId ? { requestId: answer.headers.get('x-request-id') } : {}),
    ...(traceId === null ? {} : { traceId }),
  });
  if (withId) expect(answer.headers.get('x-request-id')).toMatch(/^[\w.:=+/-]{1,128}$/);
}
