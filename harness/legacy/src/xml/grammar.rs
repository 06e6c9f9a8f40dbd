//! Which elements are within which.

use labrig_plan::finding::nearest;

/// The elements that a format has within each of its elements.
#[derive(Debug)]
pub struct Grammar {
    /// An element, and all elements that can be directly in it.
    pub elements: &'static [(&'static str, &'static [&'static str])],
}

impl Grammar {
    /// What can be within `parent`; `None` where this says nothing of it.
    #[must_use]
    pub fn within(&self, parent: &str) -> Option<&'static [&'static str]> {
        self.elements.iter().find(|(name, _)| *name == parent).map(|(_, children)| *children)
    }

    /// The element within `parent` that `child` is, or was meant to be.
    #[must_use]
    pub fn meant(&self, parent: &str, child: &str) -> Option<&'static str> {
        let known = self.within(parent)?;
        known.iter().copied().find(|name| *name == child).or_else(|| nearest(child, known.iter().copied()))
    }

    /// Whether `child` can be within `parent`; `None` where this says nothing of it. What has a prefix of its own is of
    /// another format, and can.
    #[must_use]
    pub fn holds(&self, parent: &str, child: &str) -> Option<bool> {
        if child.contains(':') {
            return None;
        }
        self.within(parent).map(|children| children.contains(&child))
    }
}
