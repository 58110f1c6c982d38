// Types of the parts of rqlite-js that the tests use; the package has none of its own.
declare module 'rqlite-js' {
  interface DataResult {
    get(column: string): unknown;
    getLastInsertId(): number;
    getRowsAffected(): number;
  }
  interface DataResults {
    hasError(): boolean;
    getFirstError(): unknown;
    get(index: number): DataResult | undefined;
    toArray(): unknown[];
    toString(): string;
  }
  export class DataApiClient {
    constructor(hosts: string | readonly string[], options: object);
    execute(sql: unknown, options?: object): Promise<DataResults>;
    query(sql: unknown, options?: object): Promise<DataResults>;
  }
}
