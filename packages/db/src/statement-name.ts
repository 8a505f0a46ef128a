import { AliasNode, TableNode, type OperationNode, type RootOperationNode } from 'kysely';

/** What a statement does and to which table, for counting: `select` `ledger`. */
export interface StatementName {
  readonly operation: 'select' | 'insert' | 'update' | 'delete' | 'sql';
  /** The first table it names; null for a statement written by hand. */
  readonly table: string | null;
}

/** Names a statement by its syntax tree; its text and values are of no concern. */
export function nameStatement(node: RootOperationNode): StatementName {
  switch (node.kind) {
    case 'SelectQueryNode':
      return { operation: 'select', table: tableOf(node.from?.froms[0]) };
    case 'InsertQueryNode':
      return { operation: 'insert', table: tableOf(node.into) };
    case 'UpdateQueryNode':
      return { operation: 'update', table: tableOf(node.table) };
    case 'DeleteQueryNode':
      return { operation: 'delete', table: tableOf(node.from.froms[0]) };
    default:
      return { operation: 'sql', table: null };
  }
}

function tableOf(node: OperationNode | undefined): string | null {
  if (node === undefined) return null;
  if (AliasNode.is(node)) return tableOf(node.node);
  return TableNode.is(node) ? node.table.identifier.name : null;
}
