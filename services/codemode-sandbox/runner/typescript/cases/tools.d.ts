// What the service declares of the tools of the cases, written by hand.
declare namespace github {
  interface Label { id: number; name: string; color?: string }
  interface Issue { number: number; title: string; state: "open" | "closed"; body: string | null; labels: Label[]; user?: { login: string } }
  type Change = { kind: "added"; path: string; lines: number } | { kind: "removed"; path: string };
}
declare const youtube: {
  readonly "~": "youtube";
  search(args: { query: string; maxResults?: number; order?: "date" | "rating" | "relevance"; tags?: string[] }): Promise<any>;
  get(args: { id: string }): Promise<any>;
  get_video(args: { id: string; parts?: ("snippet" | "statistics")[] }): Promise<{ id: string; title: string; views: number; tags?: string[] }>;
  list_channels(args?: { limit?: number }): Promise<{ channels: { id: string; name: string }[] }>;
};
declare const filesystem: {
  readonly "~": "filesystem";
  read_file(args: { path: string; head?: number }): Promise<string>;
  write_file(args: { path: string; content: string }): Promise<any>;
  list_directory(args: { path: string }): Promise<{ name: string; size: number; directory: boolean }[]>;
  edit_file(args: { path: string; edits: { oldText: string; newText: string }[]; dryRun?: boolean }): Promise<any>;
};
declare const github: {
  readonly "~": "github";
  search(args: { query: string; maxResults?: number }): Promise<any>;
  list_issues(args: { owner: string; repo: string; state?: "open" | "closed"; labels?: string[]; page?: number }): Promise<github.Issue[]>;
  create_issue(args: { owner: string; repo: string; title: string; body?: string; labels?: string[] }): Promise<github.Issue>;
  get_changes(args: { sha: string }): Promise<github.Change[]>;
  get_file(args: { path: string; [k: string]: any }): Promise<{ content: string; sha: string; [k: string]: any }>;
  delete(args: { id: number }): Promise<any>;
  "new"(args: { name: string }): Promise<any>;
};
declare const database: {
  readonly "~": "database";
  readonly query: (args: { sql: string; parameters?: (string | number | null)[] }) => Promise<{ rows: { [k: string]: any }[]; count: number }>;
  readonly execute: (args: { sql: string }) => Promise<{ changed: number } | null>;
  readonly describe: (args?: any) => Promise<any>;
};
