import fc from 'fast-check';

// A property says by `maxLength` what it is about. Left to itself fast-check makes ten of 300 characters, and never
// looks at the rest.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });
