#pragma once

#include "quantumcore/id_table.hpp"
#include "quantumcore/layout.hpp"

namespace quantumcore {

/// One remembered transfer; for ever.
struct PostedTransfer {
  u64 sequence;
  i64 amount;
  u64 to_account;
  u32 account;  // slot
  u32 reserved;
  u16 currency;
  u8 kind;
  u8 failed;
  char transfer_id[kIdBytes];

  u32 owner() const { return account; }
  const char (&id() const)[kIdBytes] { return transfer_id; }
  bool same_body(const Transfer& t) const {
    return kind == t.kind && amount == t.amount && currency == t.currency &&
           to_account == t.to_account;
  }
};
static_assert(sizeof(PostedTransfer) == 72);

/// All transfers that ever had an answer which must be repeated.
using TransferIds = IdTable<PostedTransfer>;

}  // namespace quantumcore
