// The version of this program; a test holds it to package.json.

/** Semantic version, as in package.json. */
export const version = '0.1.0';
