//! Which device to use.

use crate::hal::instance::{Adapter, Kind, Survey};
use mlx_ir::{Error, Result};

/// Which device the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best: a discrete one before an integrated one, then the one with more memory. Drivers that compute on the
    /// processor are never chosen by themselves (the CPU back end is faster), nor those known to be broken.
    #[default]
    Best,
    /// By number in the list, whatever its kind.
    Index(usize),
    /// By a part of its name, whatever its kind; letter case does not matter.
    Name(String),
}

impl Choice {
    /// What `MLX_ARM_GPU` says: a number, or a part of a name.
    pub fn from_env() -> Self {
        match std::env::var("MLX_ARM_GPU") {
            Ok(s) if !s.trim().is_empty() => Self::parse(&s),
            _ => Choice::Best,
        }
    }

    /// A number or a part of a name.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        text.parse().map_or_else(|_| Choice::Name(text.to_owned()), Choice::Index)
    }
}

const SOFTWARE: &str = "of the devices none is usable, or only one that MLX_ARM_GPU must name to be used: a driver \
     that computes on the processor, or one that is known to be broken";

/// The device to use.
///
/// # Errors
/// `Device` if there is none, or the one asked for cannot be used; the message says which there are and why.
pub fn choose<'a>(survey: &'a Survey, choice: &Choice) -> Result<&'a Adapter> {
    let listed = || {
        let line = |a: &Adapter| match &a.refused {
            Some(why) => format!("{} {} (not usable: {why})", a.index, a.name),
            None => format!("{} {} ({})", a.index, a.name, a.kind.name()),
        };
        match survey.adapters.is_empty() {
            true => "there are no Vulkan devices".to_owned(),
            false => format!("devices: {}", survey.adapters.iter().map(line).collect::<Vec<_>>().join("; ")),
        }
    };
    let asked = |found: Option<&'a Adapter>, what: String| match found {
        None => Err(Error::device(format!("[gpu] no device {what}; {}", listed()))),
        Some(a) => match &a.refused {
            Some(why) => Err(Error::device(format!("[gpu] {} cannot be used: {why}", a.name))),
            None => Ok(a),
        },
    };
    match choice {
        Choice::Index(i) => asked(survey.adapters.get(*i), format!("number {i}")),
        Choice::Name(n) => {
            let part = n.to_lowercase();
            let named = |a: &&Adapter| a.name.to_lowercase().contains(&part);
            let usable = survey.adapters.iter().filter(named).find(|a| a.refused.is_none());
            asked(usable.or_else(|| survey.adapters.iter().find(named)), format!("with '{n}' in its name"))
        }
        Choice::Best => {
            let rank = |a: &Adapter| match a.kind {
                Kind::Discrete => 4,
                Kind::Integrated => 3,
                Kind::Virtual => 2,
                Kind::Other => 1,
                Kind::Cpu => 0,
            };
            let local = |a: &Adapter| a.heaps.iter().filter(|h| h.device_local).map(|h| h.bytes).max().unwrap_or(0);
            survey
                .adapters
                .iter()
                .filter(|a| a.refused.is_none() && !a.by_name_only && a.kind != Kind::Cpu)
                // Of equals the first.
                .rev()
                .max_by_key(|a| (rank(a), local(a)))
                .ok_or_else(|| {
                    let why = if survey.adapters.is_empty() { "there are no Vulkan devices" } else { SOFTWARE };
                    Error::device(format!("[gpu] no Vulkan GPU: {why}"))
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::instance::Heap;

    fn adapter(index: usize, name: &str, kind: Kind, gib: u64, refused: Option<&str>) -> Adapter {
        Adapter {
            index,
            heaps: vec![Heap { bytes: gib << 30, device_local: true, mappable: true, free: None }],
            refused: refused.map(Into::into),
            ..Adapter::for_test(name, kind)
        }
    }

    fn list() -> Survey {
        Survey {
            adapters: vec![
                adapter(0, "llvmpipe", Kind::Cpu, 64, None),
                adapter(1, "Old Card", Kind::Discrete, 90, Some("it offers Vulkan 1.0.2")),
                adapter(2, "Mali-G78", Kind::Integrated, 8, None),
                adapter(3, "Radeon A", Kind::Discrete, 8, None),
                adapter(4, "Radeon B", Kind::Discrete, 16, None),
                adapter(5, "Radeon C", Kind::Discrete, 16, None),
            ],
        }
    }

    #[test]
    fn the_best_is_discrete_large_and_usable() {
        let mut s = list();
        assert_eq!(choose(&s, &Choice::Best).unwrap().index, 4);
        s.adapters.truncate(3);
        assert_eq!(choose(&s, &Choice::Best).unwrap().index, 2);
        s.adapters[2].by_name_only = true;
        assert!(choose(&s, &Choice::Best).is_err());
        assert_eq!(choose(&s, &Choice::parse("mali")).unwrap().index, 2);
        s.adapters.truncate(2);
        assert!(choose(&s, &Choice::Best).unwrap_err().message.contains("none is usable"));
        s.adapters.clear();
        assert!(choose(&s, &Choice::Best).unwrap_err().message.contains("there are no Vulkan devices"));
    }

    #[test]
    fn what_is_asked_for_is_used_or_refused_with_the_reason() {
        let s = list();
        assert_eq!(choose(&s, &Choice::parse("0")).unwrap().index, 0);
        assert_eq!(choose(&s, &Choice::parse(" radeon ")).unwrap().index, 3);
        assert_eq!(choose(&s, &Choice::parse("mali")).unwrap().index, 2);
        assert!(choose(&s, &Choice::parse("old")).unwrap_err().message.contains("Vulkan 1.0.2"));
        assert!(choose(&s, &Choice::parse("9")).unwrap_err().message.contains("number 9"));
        assert!(choose(&s, &Choice::parse("Arc")).unwrap_err().message.contains("'Arc'"));
    }
}
