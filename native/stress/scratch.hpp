// A directory for the files of one run.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "require.hpp"

namespace quantumcore::stress {

/// A new directory for temporary files, which is gone with what is in it at the end.
class Scratch {
 public:
  /// `program` begins its name. mkdtemp picks one that nobody has and makes the directory in one
  /// step, for this user alone; a name put together here could be taken before it is made.
  explicit Scratch(const std::string& program) {
    const std::string filled_in(6, 'X');  // by mkdtemp, which demands six of them
    std::string name =
        (std::filesystem::temp_directory_path() / (program + "-" + filled_in)).string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    REQUIRE(!error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace quantumcore::stress
