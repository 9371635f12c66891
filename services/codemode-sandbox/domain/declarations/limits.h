// Bounds of generated declarations, with the source of each number.
#pragma once

#include <cstddef>

namespace sluice::codemode_sandbox {

// What the checker reads of one caller. Source: runner_messages.proto, Run.declarations.
inline constexpr std::size_t kDeclarationsBytesMax = std::size_t{1} << 20;
// What models read of one caller; a tool beyond it is declared without its types.
inline constexpr std::size_t kFilesBytesMax = std::size_t{2} << 20;
// One tool's types. Source: ours; the largest of the recorded catalogs has 9 KiB.
inline constexpr std::size_t kToolTypesBytesMax = std::size_t{64} << 10;
// Schemas looked at for one tool, the targets of its references each time they are written out.
inline constexpr int kSchemaNodesMax = 4'000;
// Nesting that is written out; deeper is `any`.
inline constexpr int kTypeDepthMax = 16;
// Members of a union. More are widened to what they have in common.
inline constexpr std::size_t kUnionMembersMax = 64;
// Members after the unions of an intersection are multiplied out, as the compiler does.
inline constexpr std::size_t kIntersectionMembersMax = 128;
inline constexpr std::size_t kTuplePartsMax = 16;
inline constexpr std::size_t kPropertiesMax = 512;
inline constexpr std::size_t kLiteralBytesMax = 256;
inline constexpr std::size_t kPropertyNameBytesMax = 256;
inline constexpr std::size_t kReferencesMax = 256;
inline constexpr std::size_t kPointerBytesMax = 512;
// Descriptions kept, in bytes.
inline constexpr std::size_t kToolTextBytesMax = 1'000;
inline constexpr std::size_t kPropertyTextBytesMax = 240;
inline constexpr std::size_t kDefaultTextBytesMax = 40;

// What models read at once. Source: ours; 16 000 tokens.
inline constexpr std::size_t kFileAnswerBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kFileListBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kFilesInAnswerMax = 50;

// Search. Source of the first two: what most who write about BM25 use.
inline constexpr double kBm25Saturation = 1.2;
inline constexpr double kBm25Length = 0.75;
// A word of a name counts as much as so many of a description. Source: ours.
inline constexpr int kNameWeight = 3;
inline constexpr std::size_t kWordsOfTextMax = 200;
inline constexpr std::size_t kWordsOfQueryMax = 32;
inline constexpr std::size_t kQueryBytesMax = 1'000;
inline constexpr std::size_t kWordBytesMax = 40;
inline constexpr std::size_t kSearchLimit = 10;
inline constexpr std::size_t kSearchLimitMax = 50;
inline constexpr std::size_t kSignatureBytesMax = 800;
inline constexpr std::size_t kSearchTextBytesMax = 160;

// Kept between requests. Source: ours; callers of one gateway have few different views.
inline constexpr std::size_t kScriptApisMax = 64;
inline constexpr std::size_t kScriptApisBytesMax = std::size_t{64} << 20;

}  // namespace sluice::codemode_sandbox
