// The precompiled header of test code.
#pragma once

#include "common/cmake/pch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
