import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';
import { endStartedProcesses } from './process.ts';

// Evaluated anew for each test file, where a module that the files share is evaluated once.
afterAll(endStartedProcesses);

// A test's process is ended rather than left to end, and would write nothing of what it covered.
if (process.env['NODE_V8_COVERAGE'] !== undefined) afterAll(() => takeCoverage());
